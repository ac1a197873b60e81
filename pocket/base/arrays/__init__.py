"""Arrays of events: jagged ones, lazy ones, compiled loops over them, and their fields by name."""
