"""What runs inside the sandbox child. Standard library only, until the walls stand.

The parent starts this package from its folder alone, so nothing here may import the rest of the project.
"""
