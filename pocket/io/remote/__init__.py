"""Files on XRootD servers: the client's settings, listing, types of failures, and attempts to read."""
