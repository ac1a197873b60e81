"""Files of scale factors: written, imported and compared."""
