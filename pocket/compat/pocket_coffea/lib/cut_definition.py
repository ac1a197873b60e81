"""Names of ``pocket_coffea.lib.cut_definition``."""

from pocket.cuts.cut import Cut
