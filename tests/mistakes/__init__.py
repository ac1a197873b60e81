"""Mistakes that people make: the sentence that says so, and when it is known."""
