"""PocketCoffea's functions of the scale and resolution of muons, ``MuonScaRe.py`` of the muon group, over ours.

Arrays are jagged with ``nested=True``, and flat otherwise; results are in double precision.
"""

from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np

from pocket.base.typing import Floats
from pocket.calibrators.crystal_ball import CrystalBall
from pocket.calibrators.muon_scale_resolution import (
    PT_RANGE,
    RANDOM,
    MuonScaleResolution,
    generator,
    not_extreme,
    within_range,
)


class CrystallBall(CrystalBall):
    """Double-sided Crystal Ball function under its name there: mean, width, widths to the tails, and their power."""

    def __init__(self, m: Any, s: Any, a: Any, n: Any) -> None:
        mean, width, tail, power = (np.asarray(value, dtype=np.float64) for value in (m, s, a, n))
        super().__init__(mean, width, tail, power)

    def cdf(self, x: Any) -> ak.Array:
        """Return the cumulative probability."""
        return ak.Array(self.cumulative(np.asarray(x, dtype=np.float64)))

    def invcdf(self, u: Any) -> ak.Array:
        """Return its inverse."""
        return ak.Array(self.inverse(np.asarray(u, dtype=np.float64)))


def _of(cset: Any) -> MuonScaleResolution:
    return MuonScaleResolution(cset.__getitem__)


def _flat(values: Any, nested: bool) -> Any:
    return np.asarray(ak.flatten(values) if nested else values)


def _columns(nested: bool, *values: Any) -> tuple[Any, ...]:
    return tuple(_flat(each, nested) for each in values)


def _like(values: Floats, jagged: Any, nested: bool) -> Any:
    return ak.unflatten(values, ak.num(jagged)) if nested else values


def _uniform(cset: Any, phi: Floats, events: Any, sections: Any, counts: Any) -> Floats:
    """Return the random numbers of the file, or those of newer files; ``counts`` is given for one event per list."""
    columns = [np.asarray(values).astype(np.int64) for values in (events, sections)]
    if counts is not None:
        columns = [np.repeat(values, counts) for values in columns]
    correction = cset[RANDOM] if RANDOM in list(cset) else generator()
    return np.asarray(correction.evaluate(*columns, phi), dtype=np.float64)


def get_rndm(eta: Any, phi: Any, nL: Any, evtNr: Any, lumiNr: Any, cset: Any, nested: bool = False) -> Any:
    """Return random numbers with the shape of the resolution."""
    counts = np.asarray(ak.num(nL)) if nested else None
    uniform = _uniform(cset, _flat(phi, nested), evtNr, lumiNr, counts)
    return _like(_of(cset).random_numbers(_flat(eta, nested), _flat(nL, nested), uniform), eta, nested)


def get_std(pt: Any, eta: Any, nL: Any, cset: Any, nested: bool = False) -> Any:
    """Return the relative resolution."""
    flat_pt, flat_eta, layers = _columns(nested, pt, eta, nL)
    return _like(_of(cset).resolution(flat_pt, flat_eta, layers), pt, nested)


def get_k(eta: Any, var: str, cset: Any, nested: bool = False) -> Any:
    """Return the factor on the resolution by which simulation is smeared; ``var`` is ``"nom"``."""
    values = np.abs(_flat(eta, nested))
    in_data, in_mc = (np.asarray(cset[name].evaluate(values, var)) for name in ("k_data", "k_mc"))
    return _like(np.sqrt(np.maximum(in_data**2 - in_mc**2, 0)), eta, nested)


def filter_boundaries(
    pt_corr: Any, pt: Any, nested: bool, low_pt_threshold: float = PT_RANGE[0], silent: bool = True
) -> Any:
    """Return corrected pt, and pt where it is out of range or where there is no correction."""
    return _like(within_range(_flat(pt_corr, nested), _flat(pt, nested), low_pt_threshold), pt, nested)


def pt_resol(
    pt: Any,
    eta: Any,
    phi: Any,
    nL: Any,
    evtNr: Any,
    lumiNr: Any,
    cset: Any,
    nested: bool = False,
    low_pt_threshold: float = PT_RANGE[0],
) -> Any:
    """Return pt of simulation with the resolution of data."""
    counts = np.asarray(ak.num(nL)) if nested else None
    uniform = _uniform(cset, _flat(phi, nested), evtNr, lumiNr, counts)
    flat_pt, flat_eta, layers = _columns(nested, pt, eta, nL)
    return _like(_of(cset).smeared(flat_pt, flat_eta, layers, uniform, low_pt_threshold), pt, nested)


def pt_resol_var(pt_woresol: Any, pt_wresol: Any, eta: Any, updn: str, cset: Any, nested: bool = False) -> Any:
    """Return smeared pt, varied by the statistical uncertainty of the resolution; ``updn`` is ``"up"`` or ``"dn"``."""
    before, after, flat_eta = _columns(nested, pt_woresol, pt_wresol, eta)
    if updn not in ("up", "dn"):
        return _like(not_extreme(after, before), eta, nested)
    return _like(_of(cset).smearing_shifted(before, after, flat_eta, updn == "up"), eta, nested)


def pt_scale(
    is_data: Any,
    pt: Any,
    eta: Any,
    phi: Any,
    charge: Any,
    cset: Any,
    nested: bool = False,
    low_pt_threshold: float = PT_RANGE[0],
) -> Any:
    """Return pt with the scale corrected."""
    flat_pt, flat_eta, flat_phi, sign = _columns(nested, pt, eta, phi, charge)
    scaled = _of(cset).scaled(bool(is_data), flat_pt, flat_eta, flat_phi, sign, low_pt_threshold)
    return _like(scaled, pt, nested)


def pt_scale_var(pt: Any, eta: Any, phi: Any, charge: Any, updn: str, cset: Any, nested: bool = False) -> Any:
    """Return pt, varied by the statistical uncertainty of the scale; ``updn`` is ``"up"`` or ``"dn"``."""
    if updn not in ("up", "dn"):
        return pt
    flat_pt, flat_eta, flat_phi, sign = _columns(nested, pt, eta, phi, charge)
    return _like(_of(cset).scale_shifted(flat_pt, flat_eta, flat_phi, sign, updn == "up"), pt, nested)
