"""Histograms: their declaration, factories for the usual ones, and the axes they become."""
