"""Foundations of all tasks: targets, the code that jobs must have, and the begin and end of a command."""
