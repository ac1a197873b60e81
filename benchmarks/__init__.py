"""How fast the engine is, and whether its numbers are those of others."""
