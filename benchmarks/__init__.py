"""Benchmarks of the engine: its speed, and its numbers beside those of others."""
