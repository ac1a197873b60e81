"""The steps of the chain as law tasks; the only code that imports law."""
