"""Declarations of scale factors: measured or imported, their uncertainties, and the places of their closure."""
