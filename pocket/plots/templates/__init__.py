"""Plots of templates: data over simulation, before and after scale factors."""
