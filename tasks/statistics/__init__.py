"""Statistical models: cards, fits and toys."""
