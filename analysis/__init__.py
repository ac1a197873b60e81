"""Analyses: which physics. One package each."""
