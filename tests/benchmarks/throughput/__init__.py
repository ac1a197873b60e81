"""Tests of the comparison with PocketCoffea."""
