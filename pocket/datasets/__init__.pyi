"""Public names of :mod:`pocket.datasets`, loaded when they are used."""

from .coffea_samples import sample_path as sample_path
