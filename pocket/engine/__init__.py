"""The engine, which reads chunks, calls the workflow's methods, and fills all histograms in one pass."""
