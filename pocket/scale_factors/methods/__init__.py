"""Methods of measurement, each with its declaration, measurement and statistics."""
