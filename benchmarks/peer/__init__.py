"""The comparison with PocketCoffea, which runs in an environment of its own."""
