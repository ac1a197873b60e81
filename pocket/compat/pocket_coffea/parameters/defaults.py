"""Names of ``pocket_coffea.parameters.defaults``."""

from pocket.compat.parameters import *
