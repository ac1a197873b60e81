"""Plots of scale factors: values, uncertainties, maps, and the fits behind them."""
