"""Readers of law.cfg: sites, the remote store, catalogues and batch systems."""
