"""The engine: declarative configuration, coffea processor, histograms, scale factors and plots."""
