"""Snapshots: copies of the code at the start of a command, which the command and its jobs run from."""
