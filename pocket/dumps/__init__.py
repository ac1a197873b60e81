"""Dumps: what a configuration does, as JSON that a person can check step by step."""
