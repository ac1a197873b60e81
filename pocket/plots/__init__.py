"""Plots: histograms in, a matplotlib figure and the numbers it shows out."""
