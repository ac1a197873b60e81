"""Columns computed once per event over all variations, such as the scores of trained models."""
