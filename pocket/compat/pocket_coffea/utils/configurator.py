"""Names of ``pocket_coffea.utils.configurator``."""

from pocket.compat.configurator import Configurator
from pocket.compat.utilities import to_bool
from pocket.cuts.categories import CartesianSelection, StandardSelection
from pocket.cuts.cut import Cut
from pocket.cuts.library import passthrough
from pocket.histograms.config import Axis, HistConf
