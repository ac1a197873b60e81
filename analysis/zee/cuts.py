"""Cuts of the Z→ee analysis."""

from __future__ import annotations

import math
from typing import Any

import awkward as ak

from pocket import Cut


def dielectron(events: Any, params: Any, **kwargs: Any) -> Any:
    """Return the mask of events with two electrons of opposite charge, a leading pt threshold and a mass window."""
    pair = events.ll
    mass = ak.fill_none(pair.mass, math.nan)
    return (
        ak.fill_none(pair.charge == 0, False)
        & (ak.fill_none(pair.l1pt, math.nan) > params["leading_pt"])
        & (mass > params["mass_low"])
        & (mass < params["mass_high"])
    )


def relative_pt(events: Any, params: Any, **kwargs: Any) -> Any:
    """Return the mask of pairs whose electrons both have a share of the mass as pt."""
    pair = events.ll
    leading, subleading = (ak.fill_none(pair[f"{lepton}pt"] / pair.mass, math.nan) for lepton in ("l1", "l2"))
    return (leading > params["leading"]) & (subleading > params["subleading"])


def has_pair(events: Any, params: Any, **kwargs: Any) -> Any:
    """Return the mask of events with at least one tag-and-probe pair."""
    return ak.num(events.TagProbe, axis=1) > 0


def tag_pt(events: Any, params: Any, **kwargs: Any) -> Any:
    """Return the mask of pairs whose tag is above a threshold."""
    return events.TagProbe.tag_pt > params["pt"]


def get_dielectron(leading_pt: float, mass_low: float, mass_high: float) -> Cut:
    """Return the cut of the dielectron selection; momenta and masses are in GeV."""
    return Cut(
        name=f"dielectron_mass{mass_low:g}to{mass_high:g}",
        params={"leading_pt": leading_pt, "mass_low": mass_low, "mass_high": mass_high},
        function=dielectron,
    )


def get_relative_pt(leading: float, subleading: float) -> Cut:
    """Return the cut on pt / m(ee) of both electrons.

    An energy that fluctuates upwards doesn't bring more events of higher mass in, as with a threshold in GeV: the ratio
    rises with the energy of one electron and falls with that of the other, while the mass rises with both.
    """
    return Cut(
        name=f"relative_pt{leading:g}and{subleading:g}",
        params={"leading": leading, "subleading": subleading},
        function=relative_pt,
    )


tag_probe_pair = Cut(name="tag_probe_pair", params={}, function=has_pair)


def get_tag_pt(pt: float) -> Cut:
    """Return the cut that selects pairs whose tag has a pt above ``pt`` GeV."""
    return Cut(name=f"tag_pt{pt:g}", params={"pt": pt}, function=tag_pt, collection="TagProbe")
