"""What a user of the public client does, as plain functions that import nothing but that client.

They run outside pytest, in a Python of their own with one release line of the client. `run.py` runs them.
"""
