"""Names of ``pocket_coffea.parameters.histograms``."""

import math
from copy import deepcopy

from pocket.compat.histograms import (
    count_hist,
    ele_hists,
    fatjet_hists,
    fatjet_taggers_hists,
    genjet_hists,
    jet_hists,
    jet_taggers_hists,
    lepton_hists,
    met_hists,
    muon_hists,
    parton_hists,
    processing_metadata_hists,
    sv_hists,
)
from pocket.histograms.config import Axis, HistConf
from pocket.histograms.object_axes import DEFAULT_AXIS_SETTINGS as default_axis_settings
from pocket.histograms.object_axes import DEFAULT_FIELDS as collection_fields
from pocket.histograms.object_axes import DEFAULT_SCORES as taggers_fields
