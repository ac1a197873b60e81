"""Public names of :mod:`pocket.statistics.cards`, loaded when they are used."""

from .reading import read_datacard as read_datacard, read_datacards as read_datacards
from .writing import write_datacards as write_datacards
