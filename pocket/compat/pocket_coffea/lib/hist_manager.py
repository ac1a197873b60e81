"""Names of ``pocket_coffea.lib.hist_manager``."""

import awkward as ak

from pocket.compat.histograms import get_hist_axis_from_config
from pocket.histograms.config import Axis, HistConf
