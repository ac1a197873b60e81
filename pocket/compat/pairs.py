"""PocketCoffea's pairs of leptons and of jets: with numbers instead of ``None`` where there is no pair."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping
from typing import Any

import awkward as ak
import numpy as np

from pocket.base.arrays.jagged import counts_of, flat_values, starts_of
from pocket.errors import ConfigError
from pocket.objects import pairs
from pocket.objects.pairs import KINEMATICS, leading_pair

#: What the momentum of an absent pair is; its other fields are -1.
_ZERO = (*KINEMATICS, "charge")
_CANDIDATE, _PAIR = "PtEtaPhiMCandidate", "ComposedPair"


def get_dilepton(electrons: Any, muons: Any, transverse: bool = False) -> ak.Array:
    """Return the pair of the leptons of events with exactly two, the muon first, with eta 0 if it is transverse.

    Of two collections, the first two leptons of each count. :func:`pocket.objects.get_dilepton`, which has the same
    fields, takes the two of highest pt instead. In other events, pt, eta, phi, mass and charge are 0 and all else is
    -1.
    """
    given = [leptons for leptons in (muons, electrons) if leptons is not None]
    if not given:
        raise ConfigError("get_dilepton needs electrons, muons or both")
    counted = [leptons[:, :2] for leptons in given] if len(given) == 2 else given
    parts = [ak.zip({name: leptons[name] for name in _ZERO}) for leptons in counted]
    leptons = ak.concatenate(parts, axis=1)
    pair = _filled(_in_own_precision(leading_pair(leptons, "l"), leptons), ak.num(leptons) == 2)
    return ak.with_field(pair, ak.zeros_like(pair.eta), "eta") if transverse else pair


def get_dijet(jets: Any, taggerVars: bool | str = True, remnant_jet: bool = False) -> Any:
    """Return the pair of the first two jets of each event, see :func:`pocket.objects.get_dijet`.

    In events with fewer jets, pt, eta, phi, mass and charge are 0 and all else is -1.
    """
    if isinstance(taggerVars, str):
        raise ConfigError(f"get_dijet(taggerVars={taggerVars!r}): name the tagger in jet_selection(jet_tagger=…)")
    found: Any = pairs.get_dijet(jets, taggerVars, remnant_jet)
    pair, further = found if remnant_jet else (found, None)
    pair = _in_own_precision(pair, jets)
    for number in (1, 2):
        # This is the only field with a capital letter.
        pair = ak.with_field(pair, pair[f"j{number}phi"], f"j{number}Phi")
    filled = _filled(pair, ak.num(jets) >= 2)
    return (filled, further) if remnant_jet else filled


def _in_own_precision(pair: Any, objects: Any) -> Any:
    """Return pairs of the first two objects with momenta and distances in the precision of the objects.

    NanoAOD has single precision, in which PocketCoffea adds. A cut on the mass then takes other events at its edge than
    in double precision, as :func:`pocket.objects.pairs.leading_pair` adds.
    """
    counts = counts_of(objects["pt"])
    place = starts_of(counts)[counts >= 2]
    columns = {name: flat_values(objects[name]) for name in KINEMATICS}
    first, second = ({name: column[place + number] for name, column in columns.items()} for number in (0, 1))
    x, y, z, t = (one + other for one, other in zip(_cartesian(first), _cartesian(second), strict=True))
    r = np.sqrt(x * x + y * y)
    delta_eta = first["eta"] - second["eta"]
    # The difference is rounded, but not its remainder.
    difference = first["phi"] - second["phi"]
    delta_phi = ((difference.astype(np.float64) + np.pi) % (2 * np.pi) - np.pi).astype(difference.dtype)
    with np.errstate(invalid="ignore", divide="ignore"):
        numbers = {
            "pt": r,
            "eta": np.arcsinh(z / r),
            "phi": np.arctan2(y, x),
            "mass": np.sqrt(t * t - x * x - y * y - z * z),
            "deltaR": np.hypot(delta_eta, delta_phi),
            "deltaPhi": abs(delta_phi),
            "deltaEta": abs(delta_eta),
        }
    row = ak.index.Index64(np.where(counts >= 2, np.cumsum(counts >= 2) - 1, -1))
    for name, values in numbers.items():
        column = ak.contents.IndexedOptionArray(row, ak.contents.NumpyArray(values.astype(np.float64)))
        pair = ak.with_field(pair, ak.Array(column), name)
    return pair


def _cartesian(one: Mapping[str, Any]) -> tuple[Any, Any, Any, Any]:
    """Return x, y, z and energy of momenta, by the formulas of coffea 0.7."""
    pt, eta, phi = one["pt"], one["eta"], one["phi"]
    return pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), np.hypot(pt * np.cosh(eta), one["mass"])


def _filled(pair: Any, exists: Any) -> ak.Array:
    """Return pairs with numbers instead of ``None``, and in events without a pair."""
    fields = {}
    for name in pair.fields:
        absent = 0 if name in _ZERO else -1
        fields[name] = ak.where(exists, ak.fill_none(pair[name], absent), absent)
    return ak.zip(fields, with_name=_PAIR, behavior=_behavior())


@functools.cache
def _behavior() -> Mapping[Any, Any]:
    """Return the behavior of pairs: candidates whose attribute ``deltaR`` is the field, which hides a method."""
    from coffea.nanoevents.methods import candidate

    class PairArray(candidate.PtEtaPhiMCandidateArray):  # type: ignore[misc]
        """Pairs of objects with the distances between them."""

        @property
        def deltaR(self) -> Any:
            return self["deltaR"]

        def delta_r(self, other: Any) -> Any:
            return super().deltaR(other)

    behavior = {**candidate.behavior, ("*", _PAIR): PairArray}
    for key, function in candidate.behavior.items():
        if isinstance(key, tuple) and _CANDIDATE in key[1:]:
            for changed in itertools.product(*((part, _PAIR) if part == _CANDIDATE else (part,) for part in key)):
                behavior.setdefault(changed, function)
    return behavior
