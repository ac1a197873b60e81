"""Plans: checked, plain values of a configuration, all that the engine and plots know of it."""
