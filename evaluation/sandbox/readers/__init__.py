"""What runs inside the sandbox besides model runtimes. Each module is found there by its own name."""
