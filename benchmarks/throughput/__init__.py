"""Throughput of the engine in events per second and core, compared with engines that do the same physics."""
