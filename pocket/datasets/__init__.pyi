"""Public names of :mod:`pocket.datasets`, loaded when they are used."""

from .catalogues.files import CatalogueFile as CatalogueFile
from .coffea_samples import sample_path as sample_path
