"""Names of ``pocket_coffea.parameters.histograms``."""

from collections import defaultdict

from pocket.histograms.config import Axis, HistConf
from pocket.histograms.factories import (
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
    sv_hists,
)
