"""Working points of taggers, from a fit of templates in pass and fail."""
