"""Which version of the hub this is; its own module, so that every app may name it."""

VERSION = "0.1.0"
