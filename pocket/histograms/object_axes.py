"""PocketCoffea's default axes for the fields of object collections."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

Settings = dict[str, Any]

#: Type of object → its symbol on plots.
SYMBOLS = {
    "muon": r"\mu",
    "electron": "e",
    "lepton": r"\ell",
    "jet": "j",
    "genjet": r"j^{gen}",
    "fatjet": "J",
    "parton": "q",
    "met": "miss",
    "sv": "SV",
}


def _regular(bins: int, start: float, stop: float, label: str, shown: tuple[float, float] | None = None) -> Settings:
    return {"bins": bins, "start": start, "stop": stop, "lim": shown or (start, stop), "label": label}


def _pt(bins: int, stop: float, shown: tuple[float, float] | None = None) -> Settings:
    return _regular(bins, 0, stop, "$p_{T}^{<obj>}$ [GeV]", shown)


def _mass(bins: int, stop: float, label: str, shown: tuple[float, float] | None = None) -> Settings:
    return _regular(bins, 0, stop, f"{label} [GeV]", shown)


def _scores(bins: int, names: Iterable[str]) -> dict[str, Settings]:
    return {name: _regular(bins, 0, 1, f"{name} of $<obj>$") for name in names}


_ETA = _regular(50, -2.5, 2.5, r"$\eta_{<obj>}$")
_PHI = _regular(64, -math.pi, math.pi, r"$\phi_{<obj>}$")
# The bin from 1.4442 to 1.5660 is the transition between ECAL barrel and endcap.
_ETA_SC_EDGES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4442, 1.5660, 1.7, 1.9, 2.1, 2.3, 2.5)
_JET_TAGGERS = {
    "DeepFlav": "DeepJet",
    "PNet": "ParticleNet",
    "RobustParTAK4": "RobustParT",
    "UParTAK4": "UParT",
}
_LOG_MASS = _regular(120, -6, 6, "log of the mass of $<obj>$ in GeV", (-2.5, 6))

#: Type of object → field → settings of the axis; ``<obj>`` in a label is replaced by the symbol.
DEFAULT_AXIS_SETTINGS: dict[str, dict[str, Settings]] = {
    "muon": {"eta": _ETA, "pt": _pt(50, 150), "phi": _PHI},
    "electron": {
        "eta": _ETA,
        "pt": _pt(50, 500),
        "phi": _PHI,
        "etaSC": {
            "type": "variable",
            "bins": (*(-edge for edge in reversed(_ETA_SC_EDGES[1:])), *_ETA_SC_EDGES),
            "lim": (-2.5, 2.5),
            "label": r"$\eta_{<obj>}$ of the supercluster",
        },
    },
    "lepton": {"eta": _ETA, "pt": _pt(60, 300), "phi": _PHI, "pdgId": _regular(32, -16, 16, r"pdgId of $<obj>$")},
    "jet": {
        "eta": _ETA,
        "pt": _pt(50, 300),
        "phi": _PHI,
        **{
            f"btag{branch}{score}": _regular(50, 0, 1, f"{tagger} {meaning} score of $<obj>$")
            for branch, tagger in _JET_TAGGERS.items()
            for score, meaning in (("B", "b-tag"), ("CvL", "CvsL"), ("CvB", "CvsB"))
        },
    },
    "genjet": {
        "eta": _ETA,
        "pt": _pt(50, 300),
        "phi": _PHI,
        "hadronFlavour": _regular(8, -1, 7, "hadron flavour of $<obj>$"),
        "partonFlavour": _regular(33, -10, 23, "parton flavour of $<obj>$"),
    },
    "fatjet": {
        "eta": _ETA,
        "pt": _pt(100, 1000),
        "phi": _PHI,
        "mass": _mass(100, 1000, "$m_{<obj>}$"),
        "msoftdrop": _mass(100, 1000, "soft-drop mass of $<obj>$"),
        "rho": _regular(100, -8, 0, r"$\rho_{<obj>}$", (-7, 0)),
        "tau21": _regular(80, 0, 1, r"$\tau_{21}$ of $<obj>$"),
        **_scores(
            80,
            (
                "btagDDBvLV2",
                "btagDDCvLV2",
                "btagDDCvBV2",
                "particleNetMD_Xbb",
                "particleNetMD_Xcc",
                "particleNetMD_Xbb_QCD",
                "particleNetMD_Xcc_QCD",
                "deepTagMD_ZHbbvsQCD",
                "deepTagMD_ZHccvsQCD",
                "btagHbb",
            ),
        ),
    },
    "parton": {
        "eta": _regular(80, -4, 4, r"$\eta_{<obj>}$"),
        "pt": _pt(150, 1500, (0, 500)),
        "phi": _regular(128, -math.pi, math.pi, r"$\phi_{<obj>}$"),
        "dRMatchedJet": _regular(200, 0, 5, r"$\Delta R$ of $<obj>$ and its jet", (0, 1)),
        "pdgId": _regular(50, -25, 25, "pdgId of $<obj>$"),
    },
    "met": {
        "pt": _regular(28, 20, 300, "$p_{T}^{<obj>}$ [GeV]"),
        "phi": _regular(64, -math.pi, math.pi, r"$\phi^{<obj>}$"),
    },
    "sv": {
        "summass": _mass(200, 1000, r"$\sum m_{<obj>}$", (0, 500)),
        "logsummass": _LOG_MASS,
        "projmass": _mass(200, 1000, "$m_{<obj>}^{proj}$", (0, 500)),
        "logprojmass": _LOG_MASS,
        "sv1mass": _mass(200, 1000, "$m_{<obj>,1}$", (0, 500)),
        "logsv1mass": _LOG_MASS,
        "sumcorrmass": _mass(200, 1000, r"$\sum m_{<obj>}^{corr}$", (0, 500)),
        "logsumcorrmass": _LOG_MASS,
    },
}
#: Type of object → default fields of its factory; if a type isn't listed, all of the above.
DEFAULT_FIELDS: dict[str, tuple[str, ...]] = {
    "jet": ("eta", "pt", "phi"),
    "fatjet": ("eta", "pt", "phi", "mass", "msoftdrop"),
    "sv": ("summass", "logsummass", "sv1mass", "logsv1mass", "sumcorrmass", "logsumcorrmass"),
}
#: Type of object → default fields of the factories for taggers' scores.
DEFAULT_SCORES: dict[str, tuple[str, ...]] = {
    "jet": tuple(f"btag{tagger}{score}" for tagger in ("DeepFlav", "PNet") for score in ("B", "CvL", "CvB")),
    "fatjet": (
        "btagDDBvLV2",
        "btagDDCvLV2",
        "btagDDCvBV2",
        "particleNetMD_Xbb_QCD",
        "particleNetMD_Xcc_QCD",
        "deepTagMD_ZHbbvsQCD",
        "deepTagMD_ZHccvsQCD",
        "btagHbb",
    ),
}
