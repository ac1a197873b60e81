"""Throughput of the engine in events per second and core, beside others that do the same physics."""
