"""Names of ``pocket_coffea.lib.hist_manager``."""

from pocket.histograms.config import Axis, HistConf
