"""Plots that turn histograms into a matplotlib figure and the numbers it shows."""
