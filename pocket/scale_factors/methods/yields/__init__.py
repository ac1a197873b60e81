"""Ratios of yields."""
