"""Public names of :mod:`pocket.io`, loaded when they are used."""

from .remote.client import open_root as open_root, prepare_client as prepare_client
from .store.output import write_output as write_output
