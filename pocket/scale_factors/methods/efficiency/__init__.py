"""Counted efficiencies and their ratios."""
