"""Storage precision: single precision with a mantissa rounded as in NanoAOD, so that files compress well."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from pocket.toys.tables import Table

_MANTISSA_BITS = 23
_DIRECTION_BITS = 12
#: bits of the mantissa by column or by field; None keeps all
_BITS: dict[str, int | None] = {
    "Muon_pt": None,
    "Electron_pt": None,
    "Jet_btagDeepFlavB": None,
    "genWeight": None,
    "LHEWeight_originalXWGTUP": None,
    "Generator_weight": None,
    "pt": 10,
    "eta": _DIRECTION_BITS,
    "mass": 12,
}
_DEFAULT_BITS = 8


def round_mantissa(values: npt.NDArray[Any], bits: int) -> npt.NDArray[np.float32]:
    """Return single-precision values rounded to the nearest value with ``bits`` bits of mantissa."""
    dropped = _MANTISSA_BITS - bits
    words = values.astype(np.float32).view(np.uint32)
    half, keep = np.uint32(1 << (dropped - 1)), np.uint32((0xFFFFFFFF << dropped) & 0xFFFFFFFF)
    return ((words + half) & keep).view(np.float32)


def round_direction(table: Table) -> Table:
    """Return a table with eta and phi at storage precision; phi may be any angle before."""
    phi = np.mod(table["phi"] + np.pi, 2 * np.pi) - np.pi
    directions = {"eta": round_mantissa(table["eta"], _DIRECTION_BITS), "phi": _round_phi(phi)}
    return Table(table.event, {**table.columns, **directions})


def stored(branch: str, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the values of a column at storage precision: 32 bits for int64 and float64, other types unchanged."""
    if values.dtype == np.int64:
        return values.astype(np.int32)
    if values.dtype.kind != "f":
        return values
    field = branch.rpartition("_")[2]
    if field == "phi":
        return _round_phi(values)
    bits = _BITS.get(branch, _BITS.get(field, _DEFAULT_BITS))
    return values.astype(np.float32) if bits is None else round_mantissa(values, bits)


def _round_phi(phi: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Return angles in [-π, π] rounded such that they stay in this range."""
    edge = np.pi - 2.0 ** (1 - _DIRECTION_BITS)
    return round_mantissa(np.clip(phi, -edge, edge), _DIRECTION_BITS)
