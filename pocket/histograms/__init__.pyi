"""Public names of :mod:`pocket.histograms`, loaded when they are used."""

from .combined import Combination as Combination, with_combined as with_combined
from .config import Axis as Axis, HistConf as HistConf
from .factories import (
    count_hist as count_hist,
    ele_hists as ele_hists,
    fatjet_hists as fatjet_hists,
    fatjet_taggers_hists as fatjet_taggers_hists,
    genjet_hists as genjet_hists,
    jet_hists as jet_hists,
    jet_taggers_hists as jet_taggers_hists,
    lepton_hists as lepton_hists,
    met_hists as met_hists,
    muon_hists as muon_hists,
    parton_hists as parton_hists,
    sv_hists as sv_hists,
)
