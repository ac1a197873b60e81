"""Services of the process: memory, an on-disk cache, states of files, and calls of user code."""
