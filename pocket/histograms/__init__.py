"""Histograms: declarations, factories for common ones, and conversion to hist."""
