"""Cuts, and the categories of events and objects that they define."""
