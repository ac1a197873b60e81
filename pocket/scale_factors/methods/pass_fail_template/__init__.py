"""Taggers' working points, by a fit of templates in pass and fail."""
