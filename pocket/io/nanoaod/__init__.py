"""NanoAOD: a reader of its trees, events whose columns are read when they are used, and its writing."""
