"""The process and its files: memory, a cache beside the code, states of files, and calls of the user's code."""
