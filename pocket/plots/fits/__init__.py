"""Plots of fits: pulls, impacts, correlations, scans, limits, goodness of fit, and regions before and after the fit."""
