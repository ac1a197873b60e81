"""Foundations of all tasks: targets, the code that jobs must have, and the start and end of a command."""
