"""Counted efficiencies."""
