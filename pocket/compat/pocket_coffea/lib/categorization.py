"""Names of ``pocket_coffea.lib.categorization``."""

from pocket.cuts.categories import CartesianSelection, MultiCut, StandardSelection
from pocket.cuts.cut import Cut
