"""Cuts on muons."""

from __future__ import annotations

from typing import Any

import awkward as ak

from pocket.cuts.cut import Cut


def leading(events: Any, params: Any, **kwargs: Any) -> Any:
    """Require a muon above a threshold."""
    return ak.firsts(events.MuonGood.pt) > params["pt"]


def get_leading(pt: float) -> Cut:
    """Return the cut on the leading muon; pt in GeV."""
    return Cut(name="leading", params={"pt": pt}, function=leading)


def probe(events: Any, params: Any, **kwargs: Any) -> Any:
    """Require a probe above a threshold."""
    # without a muon there is no value, which counts as not passed
    return ak.firsts(events.MuonGood.pt) >= params["pt"]


def get_probe(pt: float) -> Cut:
    """Return the cut on the probe; pt in GeV."""
    return Cut(name="probe", params={"pt": pt}, function=probe)


def two_muons(events: Any, params: Any, **kwargs: Any) -> Any:
    """Require two muons."""
    return events.nMuonGood >= 2


heavy = Cut(name="heavy", params={}, function=two_muons)
