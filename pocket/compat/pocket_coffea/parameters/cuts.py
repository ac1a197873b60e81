"""Names of ``pocket_coffea.parameters.cuts``."""

from pocket.cuts.cut import Cut
from pocket.cuts.library import passthrough, passthrough_f
