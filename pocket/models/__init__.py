"""Columns that are computed once per event for all variations, such as the scores of trained models."""
