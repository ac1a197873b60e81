"""Tests that each socket takes something new by one new file."""
