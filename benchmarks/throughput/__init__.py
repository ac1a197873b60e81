"""How many events per second and core the engine processes, beside others that do the same physics."""
