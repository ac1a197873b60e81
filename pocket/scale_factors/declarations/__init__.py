"""Declarations of scale factors: measured or imported, their uncertainties, and where their closure is looked for."""
