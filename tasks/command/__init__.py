"""The command ``pocketlaw``: a new analysis, an update of its generated files, and a diagnosis."""
