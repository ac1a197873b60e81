"""Benchmarks of the engine: its speed, and its numbers compared with other engines."""
