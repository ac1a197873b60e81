"""Energy scale and resolution from the peak of a resonance."""
