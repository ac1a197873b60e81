"""Catalogues, which list the files of CMS datasets and their locations."""
