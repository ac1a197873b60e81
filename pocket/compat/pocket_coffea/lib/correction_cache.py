"""Names of ``pocket_coffea.lib.correction_cache``."""

import correctionlib

from pocket.compat.objects import load_correction_set
