"""NanoAOD: a reader of its trees, events with columns that are read on first access, and a writer."""
