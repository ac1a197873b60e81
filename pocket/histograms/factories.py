"""Factories of the usual histograms of an object collection, with PocketCoffea's names and default binnings.

Each returns a dictionary, to be unpacked into ``variables``: ``{**jet_hists(coll="JetGood"), …}``.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

from pocket.errors import UnknownNameError, check_known
from pocket.histograms.config import Axis, HistConf

AxisSettings = Mapping[str, Mapping[str, Any]]

#: type of object → its symbol on plots
SYMBOLS = {"muon": r"\mu", "electron": "e", "lepton": r"\ell", "jet": "j", "met": "miss"}


def _regular(bins: int, start: float, stop: float, label: str) -> dict[str, Any]:
    return {"bins": bins, "start": start, "stop": stop, "lim": (start, stop), "label": label}


def _pt(bins: int, stop: float) -> dict[str, Any]:
    return _regular(bins, 0, stop, "$p_{T}^{<obj>}$ [GeV]")


_ETA = _regular(50, -2.5, 2.5, r"$\eta_{<obj>}$")
_PHI = _regular(64, -math.pi, math.pi, r"$\phi_{<obj>}$")
# the bins next to 1.5 are the transition between ECAL barrel and endcap
_ETA_SC_EDGES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4442, 1.5660, 1.7, 1.9, 2.1, 2.3, 2.5)

#: type of object → field → settings of the axis; ``<obj>`` in a label becomes the symbol
DEFAULT_AXIS_SETTINGS: dict[str, dict[str, dict[str, Any]]] = {
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
        "btagDeepFlavB": _regular(50, 0.0, 1.0, "DeepJet b-tag score of $<obj>$"),
        "btagDeepFlavCvL": _regular(50, 0.0, 1.0, "DeepJet CvsL score of $<obj>$"),
        "btagDeepFlavCvB": _regular(50, 0.0, 1.0, "DeepJet CvsB score of $<obj>$"),
    },
    "met": {
        "pt": _regular(28, 20, 300, "$p_{T}^{<obj>}$ [GeV]"),
        "phi": _regular(64, -math.pi, math.pi, r"$\phi^{<obj>}$"),
    },
}
#: type of object → the fields that a factory makes unless told otherwise; all the above where not listed
DEFAULT_FIELDS = {"jet": ("eta", "pt", "phi")}


def jet_hists(
    coll: str = "JetGood",
    pos: int | None = None,
    fields: Collection[str] | None = None,
    name: str | None = None,
    axis_settings: AxisSettings | None = None,
    **kwargs: Any,
) -> dict[str, HistConf]:
    """Make histograms of jets: eta, pt and phi; on request btagDeepFlavB, btagDeepFlavCvL and btagDeepFlavCvB.

    Args:
        coll: collection to fill from.
        pos: index of the one object to take; ``None`` takes all.
        fields: the fields to histogram.
        name: beginning of the histograms' names, default ``coll``; they are ``{name}_{field}``, with ``_{pos + 1}``
            behind for a position.
        axis_settings: ``"{type}_{field}"``, e.g. ``"jet_pt"``, → arguments of the axis that replace the defaults.
        **kwargs: handed to each :class:`~pocket.histograms.config.HistConf`.

    Raises:
        UnknownNameError: for a field or an axis setting that the factory doesn't know.
    """
    return _object_hists("jet", coll, pos, fields, name, axis_settings, kwargs)


def ele_hists(
    coll: str = "ElectronGood",
    pos: int | None = None,
    fields: Collection[str] | None = None,
    name: str | None = None,
    axis_settings: AxisSettings | None = None,
    **kwargs: Any,
) -> dict[str, HistConf]:
    """Make histograms of electrons: eta, pt, phi and etaSC; arguments as in :func:`jet_hists`, type ``electron``."""
    return _object_hists("electron", coll, pos, fields, name, axis_settings, kwargs)


def muon_hists(
    coll: str = "MuonGood",
    pos: int | None = None,
    fields: Collection[str] | None = None,
    name: str | None = None,
    axis_settings: AxisSettings | None = None,
    **kwargs: Any,
) -> dict[str, HistConf]:
    """Make histograms of muons: eta, pt and phi; arguments as in :func:`jet_hists`, type ``muon``."""
    return _object_hists("muon", coll, pos, fields, name, axis_settings, kwargs)


def lepton_hists(
    coll: str = "LeptonGood",
    pos: int | None = None,
    fields: Collection[str] | None = None,
    name: str | None = None,
    axis_settings: AxisSettings | None = None,
    **kwargs: Any,
) -> dict[str, HistConf]:
    """Make histograms of leptons: eta, pt, phi and pdgId; arguments as in :func:`jet_hists`, type ``lepton``."""
    return _object_hists("lepton", coll, pos, fields, name, axis_settings, kwargs)


def met_hists(
    coll: str = "MET",
    fields: Collection[str] | None = None,
    name: str | None = None,
    axis_settings: AxisSettings | None = None,
    **kwargs: Any,
) -> dict[str, HistConf]:
    """Make histograms of missing transverse momentum: pt and phi; arguments as in :func:`jet_hists`, type ``met``."""
    return _object_hists("met", coll, None, fields, name, axis_settings, kwargs)


def count_hist(
    coll: str,
    bins: int = 10,
    start: float = 0,
    stop: float = 10,
    label: str | None = None,
    name: str | None = None,
    **kwargs: Any,
) -> dict[str, HistConf]:
    """Make the histogram of the number of objects, ``events.n{coll}``.

    Args:
        coll: collection that is counted.
        bins: number of bins.
        start: lower edge.
        stop: upper edge.
        label: label of the axis.
        name: name of the histogram, default ``n{coll}``.
        **kwargs: handed to :class:`~pocket.histograms.config.HistConf`.
    """
    settings = _regular(bins, start, stop, label or f"$N_{{{coll}}}$")
    return {name or f"n{coll}": HistConf(axes=[Axis(coll="events", field=f"n{coll}", **settings)], **kwargs)}


def _object_hists(
    type: str,
    coll: str,
    pos: int | None,
    fields: Collection[str] | None,
    name: str | None,
    axis_settings: AxisSettings | None,
    kwargs: dict[str, Any],
) -> dict[str, HistConf]:
    defaults = DEFAULT_AXIS_SETTINGS[type]
    known_settings = {f"{kind}_{field}" for kind, axes in DEFAULT_AXIS_SETTINGS.items() for field in axes}
    overrides = axis_settings or {}
    check_known("axis setting", overrides, known_settings, f"histograms of {coll!r}")
    symbol = SYMBOLS[type] if pos is None else f"{SYMBOLS[type]}_{{{pos + 1}}}"
    suffix = "" if pos is None else f"_{pos + 1}"
    hists = {}
    for field in fields if fields is not None else DEFAULT_FIELDS.get(type, defaults):
        if field not in defaults:
            raise UnknownNameError("field", field, defaults, f"histograms of {coll!r}")
        settings = {"coll": coll, "field": field, "pos": pos, **defaults[field], **overrides.get(f"{type}_{field}", {})}
        settings["label"] = settings["label"].replace("<obj>", symbol)
        hists[f"{name or coll}_{field}{suffix}"] = HistConf(axes=[Axis(**settings)], **kwargs)
    return hists
