"""Outputs: merged and normalised templates, and their export to other layouts."""
