from __future__ import annotations

import math
from typing import Any

import pytest

from pocket.errors import UnknownNameError
from pocket.histograms.config import Axis, HistConf
from pocket.histograms.factories import count_hist, ele_hists, jet_hists, lepton_hists, met_hists, muon_hists

ETA, PHI = (50, -2.5, 2.5), (64, -math.pi, math.pi)


def only_axis(hists: dict[str, HistConf], name: str) -> Axis:
    (axis,) = hists[name].axes
    return axis


# PocketCoffea 0.9.13, pocket_coffea/parameters/histograms.py
@pytest.mark.parametrize(
    ("hists", "coll", "binnings"),
    [
        (jet_hists(), "JetGood", {"eta": ETA, "pt": (50, 0, 300), "phi": PHI}),
        (muon_hists(), "MuonGood", {"eta": ETA, "pt": (50, 0, 150), "phi": PHI}),
        (lepton_hists(), "LeptonGood", {"eta": ETA, "pt": (60, 0, 300), "phi": PHI, "pdgId": (32, -16, 16)}),
        (met_hists(), "MET", {"pt": (28, 20, 300), "phi": PHI}),
        (jet_hists(fields=["btagDeepFlavB"]), "JetGood", {"btagDeepFlavB": (50, 0, 1)}),
        (ele_hists(fields=["pt", "phi"]), "ElectronGood", {"pt": (50, 0, 500), "phi": PHI}),
    ],
)
def test_default_binnings(hists: dict[str, HistConf], coll: str, binnings: dict[str, Any]) -> None:
    assert list(hists) == [f"{coll}_{field}" for field in binnings]
    for field, binning in binnings.items():
        axis = only_axis(hists, f"{coll}_{field}")
        assert (axis.coll, axis.field, axis.pos, axis.type) == (coll, field, None, "regular")
        assert (axis.bins, axis.start, axis.stop) == binning
        assert axis.lim == binning[1:]
        assert axis.label is not None
        assert "<" not in axis.label


def test_supercluster_eta_has_the_ecal_transition_as_bins() -> None:
    axis = only_axis(ele_hists(), "ElectronGood_etaSC")
    assert axis.type == "variable"
    assert isinstance(axis.bins, tuple)
    assert len(axis.bins) == 27
    assert {-1.5660, -1.4442, 0.0, 1.4442, 1.5660} <= set(axis.bins)
    assert [-edge for edge in reversed(axis.bins)] == list(axis.bins)


def test_position() -> None:
    hists = muon_hists(coll="MuonGood", pos=1)
    assert list(hists) == ["MuonGood_eta_2", "MuonGood_pt_2", "MuonGood_phi_2"]
    axis = only_axis(hists, "MuonGood_pt_2")
    assert axis.pos == 1
    assert axis.label == r"$p_{T}^{\mu_{2}}$ [GeV]"
    assert only_axis(muon_hists(), "MuonGood_pt").label == r"$p_{T}^{\mu}$ [GeV]"


def test_names_fields_settings_and_options() -> None:
    hists = jet_hists(
        coll="BJetGood",
        pos=0,
        fields=["pt"],
        name="bjet",
        axis_settings={"jet_pt": {"bins": 10, "stop": 100, "label": "b-jet pt"}, "muon_pt": {"bins": 3}},
        only_categories=["2b"],
        no_weights=True,
    )
    assert list(hists) == ["bjet_pt_1"]
    axis = only_axis(hists, "bjet_pt_1")
    assert (axis.coll, axis.pos, axis.bins, axis.start, axis.stop, axis.label) == (
        "BJetGood",
        0,
        10,
        0,
        100,
        "b-jet pt",
    )
    assert hists["bjet_pt_1"].only_categories == ["2b"]
    assert hists["bjet_pt_1"].no_weights
    # defaults aren't touched
    assert only_axis(jet_hists(), "JetGood_pt").bins == 50


def test_count() -> None:
    hists = count_hist(coll="JetGood", bins=10, start=4, stop=14, name="nJets", only_samples=["TT"])
    axis = only_axis(hists, "nJets")
    assert (axis.coll, axis.field, axis.bins, axis.start, axis.stop) == ("events", "nJetGood", 10, 4, 14)
    assert axis.label == "$N_{JetGood}$"
    assert hists["nJets"].only_samples == ["TT"]
    assert only_axis(count_hist("MuonGood", label="muons"), "nMuonGood").label == "muons"
    # one bin per number
    default = only_axis(count_hist("MuonGood"), "nMuonGood")
    assert (default.bins, default.start, default.stop) == (10, 0, 10)


def test_unknown_names() -> None:
    with pytest.raises(UnknownNameError, match=r"field 'etta' in histograms of 'JetGood', did you mean 'eta'"):
        jet_hists(fields=["etta"])
    with pytest.raises(UnknownNameError, match=r"axis setting 'jets_pt' .* did you mean 'jet_pt'"):
        jet_hists(axis_settings={"jets_pt": {"bins": 1}})
