"""Workflows whose branches run as jobs of a batch system."""
