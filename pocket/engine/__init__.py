"""The engine: reads chunks, drives the workflow's entry points, and fills every histogram in one pass."""
