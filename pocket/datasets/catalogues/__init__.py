"""Catalogues: which files a dataset of CMS consists of, and where they are."""
