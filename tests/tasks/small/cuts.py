"""Cuts of the small analysis."""

from __future__ import annotations

from typing import Any

import awkward as ak

from pocket.cuts.cut import Cut


def leading_muon(events: Any, params: Any, **kwargs: Any) -> Any:
    """Require a muon above a threshold."""
    # without a muon there is no value, which counts as not passed
    return ak.firsts(events.MuonGood.pt) > params["pt"]


def get_leading_muon(pt: float) -> Cut:
    """Return the cut on the leading muon; pt in GeV."""
    return Cut(name="leading_muon", params={"pt": pt}, function=leading_muon)
