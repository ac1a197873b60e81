from __future__ import annotations

import math
from typing import Any

import pytest

from pocket.errors import UnknownNameError
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

ETA, PHI = (50, -2.5, 2.5), (64, -math.pi, math.pi)
SCORE, FAT_SCORE = (50, 0, 1), (80, 0, 1)


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
        (
            jet_hists(fields=["btagRobustParTAK4CvL", "btagUParTAK4B"]),
            "JetGood",
            {"btagRobustParTAK4CvL": SCORE, "btagUParTAK4B": SCORE},
        ),
        (
            jet_taggers_hists(),
            "JetGood",
            {f"btag{t}{s}": SCORE for t in ("DeepFlav", "PNet") for s in ("B", "CvL", "CvB")},
        ),
        (jet_taggers_hists(fields=["btagUParTAK4CvB"]), "JetGood", {"btagUParTAK4CvB": SCORE}),
        (
            genjet_hists(),
            "MyGenJets",
            {"eta": ETA, "pt": (50, 0, 300), "phi": PHI, "hadronFlavour": (8, -1, 7), "partonFlavour": (33, -10, 23)},
        ),
        (
            fatjet_hists(),
            "FatJetGood",
            {"eta": ETA, "pt": (100, 0, 1000), "phi": PHI, "mass": (100, 0, 1000), "msoftdrop": (100, 0, 1000)},
        ),
        (fatjet_hists(fields=["tau21"]), "FatJetGood", {"tau21": FAT_SCORE}),
        (
            fatjet_taggers_hists(),
            "FatJetGood",
            dict.fromkeys(
                (
                    "btagDDBvLV2",
                    "btagDDCvLV2",
                    "btagDDCvBV2",
                    "particleNetMD_Xbb_QCD",
                    "particleNetMD_Xcc_QCD",
                    "deepTagMD_ZHbbvsQCD",
                    "deepTagMD_ZHccvsQCD",
                    "btagHbb",
                ),
                FAT_SCORE,
            ),
        ),
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


# shown on plots in a narrower range than they are filled in
@pytest.mark.parametrize(
    ("hists", "coll", "binnings"),
    [
        (
            parton_hists(),
            "PartonMatched",
            {
                "eta": ((80, -4, 4), (-4, 4)),
                "pt": ((150, 0, 1500), (0, 500)),
                "phi": ((128, -math.pi, math.pi), (-math.pi, math.pi)),
                "dRMatchedJet": ((200, 0, 5), (0, 1)),
                "pdgId": ((50, -25, 25), (-25, 25)),
            },
        ),
        (fatjet_hists(fields=["rho"]), "FatJetGood", {"rho": ((100, -8, 0), (-7, 0))}),
        (
            sv_hists(),
            "SV",
            {
                f"{log}{mass}": ((120, -6, 6), (-2.5, 6)) if log else ((200, 0, 1000), (0, 500))
                for mass in ("summass", "sv1mass", "sumcorrmass")
                for log in ("", "log")
            },
        ),
    ],
)
def test_ranges_on_plots(hists: dict[str, HistConf], coll: str, binnings: dict[str, Any]) -> None:
    assert list(hists) == [f"{coll}_{field}" for field in binnings]
    for field, (binning, shown) in binnings.items():
        axis = only_axis(hists, f"{coll}_{field}")
        assert ((axis.bins, axis.start, axis.stop), axis.lim) == (binning, shown)


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
    # settings may be shared by factories, also of histograms that none of them makes
    assert jet_hists(axis_settings={"bdt_score": {"bins": 1}}) == jet_hists()
