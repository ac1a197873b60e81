"""Snapshots: copies of the code as it was when a command began, which the command and its jobs run from."""
