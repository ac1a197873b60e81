"""Datasets: their definitions, the filesets built from them, and their division into branches."""
