"""Public names of :mod:`pocket.statistics.cards`, loaded when they are used."""

from .reading import read_datacard as read_datacard
from .writing import write_datacards as write_datacards
