"""Plans: checked, plain values of a configuration, all that the engine knows of it."""
