"""Files on XRootD servers: the client's settings, listing, what a failure means, and the attempts to read."""
