"""The measurement of a scale factor: inputs and results of methods, and shifts by systematic sources."""
