"""Servers for the length of one command: each module starts one kind in a folder of its own."""
