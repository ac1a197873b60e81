"""The doctor: small checks before anything runs, each with its result and advice."""
