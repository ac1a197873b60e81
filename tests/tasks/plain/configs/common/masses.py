"""Masses in GeV."""

Z_MASS = 91.19
