"""The comparison with PocketCoffea, which runs in its own environment."""
