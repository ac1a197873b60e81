"""Plots of scale factors: values, uncertainties, maps, and fits."""
