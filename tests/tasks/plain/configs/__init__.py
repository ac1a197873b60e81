"""Configurations of several analyses, as groups keep them in one repository."""
