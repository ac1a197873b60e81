"""Cuts of the dimuon selection."""

import awkward as ak
from configs.common.masses import Z_MASS
from pocket_coffea.lib.cut_definition import Cut


def near_z(events, params, year, sample, **kwargs):
    """Require a pair near the mass of the Z boson."""
    return ak.fill_none(abs(events.ll.mass - Z_MASS) < params["window"], False)


z_window = Cut(name="z_window", params={"window": 20.0}, function=near_z)
