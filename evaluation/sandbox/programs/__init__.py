"""What runs inside the sandbox when a generated program is tried."""
