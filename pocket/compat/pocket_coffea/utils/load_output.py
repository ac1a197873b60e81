"""Names of ``pocket_coffea.utils.load_output``."""

from coffea.util import load as load_output
