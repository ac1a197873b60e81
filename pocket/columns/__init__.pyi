"""Public names of :mod:`pocket.columns`, loaded when they are used."""

from .config import ColOut as ColOut
from .formats import ColumnFormat as ColumnFormat
from .parquet import read_columns as read_columns
