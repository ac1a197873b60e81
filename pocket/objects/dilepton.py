"""Pairs of leptons."""

from __future__ import annotations

from collections.abc import Sequence

import awkward as ak
import numpy as np

from pocket.errors import ConfigError
from pocket.lookup import branch


def get_dilepton(electrons: ak.Array | None, muons: ak.Array | None, transverse: bool = False) -> ak.Array:
    """Combine the two leptons of highest pt, of either flavour.

    Args:
        electrons: jagged records with pt, eta, phi, mass and charge, or ``None``.
        muons: the same for muons, or ``None``.
        transverse: set eta of the pair to 0, for sums in the transverse plane.

    Returns:
        One record per event, ``None`` where there are fewer than two leptons: pt, eta, phi, mass and charge of the
        pair, the absolute deltaR, deltaPhi and deltaEta between its leptons, and pt, eta, phi and mass of the leading
        (``l1pt``, …) and the subleading lepton (``l2pt``, …).

    Raises:
        ConfigError: if both collections are ``None``.
    """
    collections = [_four_momenta(leptons) for leptons in (muons, electrons) if leptons is not None]
    if not collections:
        raise ConfigError("get_dilepton needs electrons, muons or both")
    leptons = ak.concatenate(collections, axis=1)
    leptons = leptons[ak.argsort(leptons.pt, axis=1, ascending=False, stable=True)]
    leptons = ak.pad_none(leptons, 2, axis=1)
    first, second = leptons[:, 0], leptons[:, 1]
    pair = first + second
    fields = {
        "pt": pair.pt,
        "eta": ak.zeros_like(pair.eta) if transverse else pair.eta,
        "phi": pair.phi,
        "mass": pair.mass,
        "charge": pair.charge,
        "deltaR": first.delta_r(second),
        "deltaPhi": abs(first.delta_phi(second)),
        "deltaEta": abs(first.eta - second.eta),
    }
    for prefix, lepton in (("l1", first), ("l2", second)):
        fields |= {f"{prefix}{field}": lepton[field] for field in ("pt", "eta", "phi", "mass")}
    return ak.zip(fields, with_name="PtEtaPhiMCandidate", behavior=leptons.behavior, optiontype_outside_record=True)


def tag_and_probe_pairs(
    muons: ak.Array,
    is_tag: ak.Array,
    is_probe: ak.Array,
    probe_fields: Sequence[str] = ("pt", "eta", "phi", "charge"),
) -> ak.Array:
    """Build every pair of a tag and a probe of opposite charge.

    Pairs are ordered: two muons that are both tag and probe make two entries, so each is a probe once.

    Args:
        muons: jagged records with pt, eta, phi, mass and charge, shape (n events, n muons).
        is_tag: boolean of the same shape.
        is_probe: boolean of the same shape.
        probe_fields: fields of the probe to keep.

    Returns:
        Jagged records, shape (n events, n pairs): ``mass`` of the pair in GeV, and ``probe_{field}`` for each of
        ``probe_fields``.

    Raises:
        MissingBranchError: if the muons lack one of the fields.
    """
    index = ak.local_index(muons.charge, axis=1)
    tag, probe = ak.unzip(ak.cartesian([index[is_tag], index[is_probe]], axis=1))
    # also drops the pair of a muon with itself
    opposite = muons.charge[tag] * muons.charge[probe] < 0
    tag, probe = tag[opposite], probe[opposite]
    momenta = _four_momenta(muons)
    fields = {"mass": (momenta[tag] + momenta[probe]).mass}
    fields |= {f"probe_{field}": branch(muons, field, "Muon")[probe] for field in probe_fields}
    return ak.zip(fields)


def _four_momenta(leptons: ak.Array) -> ak.Array:
    """Return the kinematics alone, in double precision because masses are small differences of large numbers."""
    from coffea.nanoevents.methods import candidate

    kinematics = {field: ak.values_astype(leptons[field], np.float64) for field in ("pt", "eta", "phi", "mass")}
    return ak.zip({**kinematics, "charge": leptons.charge}, with_name="PtEtaPhiMCandidate", behavior=candidate.behavior)
