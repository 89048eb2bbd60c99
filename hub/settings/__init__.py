"""Settings by environment: `base` reads it, `dev`, `test` and `prod` only override."""
