"""Public names of :mod:`pocket.corrections`, loaded when they are used."""

from .evaluation import evaluate as evaluate
from .files import load_correction as load_correction
