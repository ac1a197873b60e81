"""Columns: values of events and objects, exported to parquet for each sample, category and variation."""

from pocket.columns.config import ColOut

__all__ = ["ColOut"]
