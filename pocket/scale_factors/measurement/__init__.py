"""The measurement of a scale factor: what methods read, what they give, and how systematic sources shift it."""
