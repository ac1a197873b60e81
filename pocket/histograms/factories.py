"""Factories for common histograms of object collections, with PocketCoffea's names and default binnings.

Each returns a dictionary to unpack in ``variables``: ``{**jet_hists(coll="JetGood"), …}``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pocket.errors import UnknownNameError, nearest
from pocket.histograms.config import Axis, HistConf
from pocket.histograms.object_axes import DEFAULT_AXIS_SETTINGS, DEFAULT_FIELDS, DEFAULT_SCORES, SYMBOLS

AxisSettings = Mapping[str, Mapping[str, Any]]

#: Similarity from which an unknown axis setting counts as a misspelling of a known one.
_MISSPELT = 0.9


def jet_hists(
    coll: str = "JetGood",
    pos: int | None = None,
    fields: Collection[str] | None = None,
    name: str | None = None,
    axis_settings: AxisSettings | None = None,
    **kwargs: Any,
) -> dict[str, HistConf]:
    """Return histograms of jets: eta, pt and phi; on request the scores of the taggers, e.g. btagDeepFlavB.

    Args:
        coll: collection to fill from.
        pos: position of the one object to take; ``None`` takes all.
        fields: the fields to fill.
        name: prefix of the histograms' names, default ``coll``; they are ``{name}_{field}``, followed by ``_{pos + 1}``
            for a position.
        axis_settings: ``"{type}_{field}"`` (types: ``jet``, ``fatjet``, ``genjet``, ``parton``, ``electron``, ``muon``,
            ``lepton``, ``met``, ``sv``), e.g. ``"jet_pt"``, → arguments of the axis that replace the defaults.
        **kwargs: passed to each :class:`~pocket.histograms.config.HistConf`.

    Raises:
        UnknownNameError: for an unknown field or axis setting.
    """
    return _object_hists("jet", coll, pos, fields, name, axis_settings, kwargs)


def jet_taggers_hists(
    coll: str = "JetGood",
    pos: int | None = None,
    fields: Collection[str] | None = None,
    name: str | None = None,
    axis_settings: AxisSettings | None = None,
    **kwargs: Any,
) -> dict[str, HistConf]:
    """Return histograms of the DeepJet and ParticleNet scores of jets; arguments as in :func:`jet_hists`."""
    return _object_hists(
        "jet", coll, pos, DEFAULT_SCORES["jet"] if fields is None else fields, name, axis_settings, kwargs
    )


def genjet_hists(
    coll: str = "MyGenJets",
    pos: int | None = None,
    fields: Collection[str] | None = None,
    name: str | None = None,
    axis_settings: AxisSettings | None = None,
    **kwargs: Any,
) -> dict[str, HistConf]:
    """Return histograms of generated jets: eta, pt, phi and flavours; arguments as in :func:`jet_hists`."""
    return _object_hists("genjet", coll, pos, fields, name, axis_settings, kwargs)


def fatjet_hists(
    coll: str = "FatJetGood",
    pos: int | None = None,
    fields: Collection[str] | None = None,
    name: str | None = None,
    axis_settings: AxisSettings | None = None,
    **kwargs: Any,
) -> dict[str, HistConf]:
    """Return histograms of fat jets: eta, pt, phi, mass and msoftdrop; arguments as in :func:`jet_hists`."""
    return _object_hists("fatjet", coll, pos, fields, name, axis_settings, kwargs)


def fatjet_taggers_hists(
    coll: str = "FatJetGood",
    pos: int | None = None,
    fields: Collection[str] | None = None,
    name: str | None = None,
    axis_settings: AxisSettings | None = None,
    **kwargs: Any,
) -> dict[str, HistConf]:
    """Return histograms of the scores of fat jets; arguments as in :func:`jet_hists`."""
    return _object_hists(
        "fatjet", coll, pos, DEFAULT_SCORES["fatjet"] if fields is None else fields, name, axis_settings, kwargs
    )


def parton_hists(
    coll: str = "PartonMatched",
    pos: int | None = None,
    fields: Collection[str] | None = None,
    name: str | None = None,
    axis_settings: AxisSettings | None = None,
    **kwargs: Any,
) -> dict[str, HistConf]:
    """Return histograms of partons matched to jets (``match_partons``); arguments as in :func:`jet_hists`."""
    return _object_hists("parton", coll, pos, fields, name, axis_settings, kwargs)


def ele_hists(
    coll: str = "ElectronGood",
    pos: int | None = None,
    fields: Collection[str] | None = None,
    name: str | None = None,
    axis_settings: AxisSettings | None = None,
    **kwargs: Any,
) -> dict[str, HistConf]:
    """Return histograms of electrons: eta, pt, phi and etaSC; arguments as in :func:`jet_hists`."""
    return _object_hists("electron", coll, pos, fields, name, axis_settings, kwargs)


def muon_hists(
    coll: str = "MuonGood",
    pos: int | None = None,
    fields: Collection[str] | None = None,
    name: str | None = None,
    axis_settings: AxisSettings | None = None,
    **kwargs: Any,
) -> dict[str, HistConf]:
    """Return histograms of muons: eta, pt and phi; arguments as in :func:`jet_hists`."""
    return _object_hists("muon", coll, pos, fields, name, axis_settings, kwargs)


def lepton_hists(
    coll: str = "LeptonGood",
    pos: int | None = None,
    fields: Collection[str] | None = None,
    name: str | None = None,
    axis_settings: AxisSettings | None = None,
    **kwargs: Any,
) -> dict[str, HistConf]:
    """Return histograms of leptons: eta, pt, phi and pdgId; arguments as in :func:`jet_hists`."""
    return _object_hists("lepton", coll, pos, fields, name, axis_settings, kwargs)


def met_hists(
    coll: str = "MET",
    pos: int | None = None,
    fields: Collection[str] | None = None,
    name: str | None = None,
    axis_settings: AxisSettings | None = None,
    **kwargs: Any,
) -> dict[str, HistConf]:
    """Return histograms of missing transverse momentum: pt and phi; arguments as in :func:`jet_hists`."""
    return _object_hists("met", coll, pos, fields, name, axis_settings, kwargs)


def sv_hists(
    coll: str = "SV",
    pos: int | None = None,
    fields: Collection[str] | None = None,
    name: str | None = None,
    axis_settings: AxisSettings | None = None,
    **kwargs: Any,
) -> dict[str, HistConf]:
    """Return histograms of masses of secondary vertices; arguments as in :func:`jet_hists`."""
    return _object_hists("sv", coll, pos, fields, name, axis_settings, kwargs)


def count_hist(
    coll: str,
    bins: int = 10,
    start: float = 0,
    stop: float = 10,
    label: str | None = None,
    name: str | None = None,
    **kwargs: Any,
) -> dict[str, HistConf]:
    """Return the histogram of the number of objects, ``events.n{coll}``.

    Args:
        coll: collection to count.
        bins: number of bins.
        start: lower edge.
        stop: upper edge.
        label: label of the axis.
        name: name of the histogram, default ``n{coll}``.
        **kwargs: passed to :class:`~pocket.histograms.config.HistConf`.
    """
    axis = Axis(
        field=f"n{coll}", bins=bins, start=start, stop=stop, lim=(start, stop), label=label or f"$N_{{{coll}}}$"
    )
    return {name or f"n{coll}": HistConf(axes=[axis], **kwargs)}


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
    for setting in overrides:
        if setting not in known_settings and nearest(setting, known_settings, 1, _MISSPELT):
            raise UnknownNameError("axis setting", setting, known_settings, f"histograms of {coll!r}")
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
