"""Pairs of leptons, and of jets, and their four-momenta."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt

from pocket.base.arrays.fields import branch
from pocket.base.arrays.jagged import by_descending, counts_of, flat_values, padded, starts_of
from pocket.base.arrays.lazy import lazy_column
from pocket.errors import ConfigError
from pocket.objects.leptons import merged_leptons

KINEMATICS = ("pt", "eta", "phi", "mass")


def get_dilepton(electrons: ak.Array | None, muons: ak.Array | None, transverse: bool = False) -> ak.Array:
    """Return the pair of the two leptons of highest pt, of either flavour.

    Args:
        electrons: jagged records with pt, eta, phi, mass and charge, or ``None``.
        muons: the same for muons, or ``None``.
        transverse: set eta of the pair to 0, for sums in the transverse plane.

    Returns:
        One record per event, ``None`` for fewer than two leptons: pt, eta, phi, mass and charge of the pair, the
        absolute deltaR, deltaPhi and deltaEta between its leptons, and pt, eta, phi and mass of the leading (``l1pt``,
        …) and the subleading lepton (``l2pt``, …).

    Raises:
        ConfigError: if both collections are ``None``.
    """
    collections = [leptons for leptons in (muons, electrons) if leptons is not None]
    if not collections:
        raise ConfigError("get_dilepton needs electrons, muons or both")
    if len(collections) == 1:
        leptons = by_descending(collections[0], "pt")
    else:
        leptons = merged_leptons(collections, (*KINEMATICS, "charge"))
    pair = leading_pair(leptons, "l")
    return ak.with_field(pair, ak.zeros_like(pair.eta), "eta") if transverse else pair


def get_diboson(dileptons: ak.Array, MET: ak.Array, transverse: bool = False) -> ak.Array:
    """Return the sums of lepton pairs and the missing transverse momentum.

    Args:
        dileptons: result of :func:`get_dilepton`.
        MET: one record with pt and phi per event.
        transverse: set eta of the pairs to 0.

    Returns:
        One record per event with the momentum of the sum, ``None`` if there is no pair.
    """
    zero = ak.zeros_like(MET.pt)
    fields = {"pt": MET.pt, "eta": zero, "phi": MET.phi, "mass": zero, "charge": zero}
    if transverse:
        dileptons = ak.with_field(dileptons, ak.zeros_like(dileptons.eta), "eta")
    return dileptons + four_momenta(ak.zip(fields))


def tag_and_probe_pairs(
    muons: ak.Array,
    is_tag: ak.Array,
    is_probe: ak.Array,
    probe_fields: Sequence[str] = ("pt", "eta", "phi", "charge"),
    tag_fields: Sequence[str] = (),
    collection: str = "Muon",
) -> ak.Array:
    """Return every pair of a tag and a probe of opposite charge.

    Pairs are ordered: two leptons that are both tag and probe form two pairs, so that each is a probe once.

    Args:
        muons: muons or electrons: jagged records with pt, eta, phi, mass and charge, shape (n events, n leptons).
        is_tag: boolean of the same shape.
        is_probe: boolean of the same shape.
        probe_fields: fields of the probe to include.
        tag_fields: fields of the tag to include.
        collection: name of the collection, for errors.

    Returns:
        Jagged records, shape (n events, n pairs): ``mass`` of the pair in GeV, ``probe_{field}`` for each of
        ``probe_fields`` and ``tag_{field}`` for each of ``tag_fields``.

    Raises:
        MissingBranchError: if the leptons lack one of the fields.
    """
    index = ak.local_index(muons.charge, axis=1)
    tag, probe = ak.unzip(ak.cartesian([index[is_tag], index[is_probe]], axis=1))
    # This also drops the pair of a lepton with itself.
    opposite = muons.charge[tag] * muons.charge[probe] < 0
    tag, probe = tag[opposite], probe[opposite]
    momenta = four_momenta(muons)
    fields = {"mass": (momenta[tag] + momenta[probe]).mass}
    fields |= {f"probe_{field}": branch(muons, field, collection)[probe] for field in probe_fields}
    fields |= {f"tag_{field}": branch(muons, field, collection)[tag] for field in tag_fields}
    return ak.zip(fields)


def in_tag_and_probe_pairs(charge: ak.Array, is_tag: ak.Array, is_probe: ak.Array) -> ak.Array:
    """Return the mask of leptons that are the tag or the probe of a pair of :func:`tag_and_probe_pairs`.

    Args:
        charge: charges of the leptons, shape (n events, n leptons).
        is_tag: boolean of the same shape.
        is_probe: boolean of the same shape.

    Examples:
        >>> charge = ak.Array([[1, -1], [1, 1]])
        >>> every = charge != 0
        >>> in_tag_and_probe_pairs(charge, every, every).tolist()
        [[True, True], [False, False]]
    """
    return (is_probe & _has_opposite(charge, is_tag)) | (is_tag & _has_opposite(charge, is_probe))


def _has_opposite(charge: ak.Array, chosen: ak.Array) -> ak.Array:
    """Return the mask of leptons for which one of the chosen ones has the opposite charge."""
    positive, negative = (ak.any(chosen & side, axis=1) for side in (charge > 0, charge < 0))
    return ak.where(charge > 0, negative, positive)


def get_dijet(
    jets: ak.Array, taggerVars: bool = True, remnant_jet: bool = False
) -> ak.Array | tuple[ak.Array, ak.Array]:
    """Return the pair of the first two jets of each event.

    Args:
        jets: jagged records with pt, eta, phi and mass, reconstructed or generated, in the required order.
        taggerVars: include the scores that :func:`~pocket.objects.jets.jet_selection` adds with ``jet_tagger=``.
        remnant_jet: return the sums over all further jets, too.

    Returns:
        One record per event, ``None`` for fewer than two jets: pt, eta, phi and mass of the pair, the absolute deltaR,
        deltaPhi and deltaEta between its jets, pt, eta, phi and mass of the jets (``j1pt``, …, ``j2pt``, …), and their
        scores as ``j1CvsL``, ``j1CvsB``, ``j2CvsL`` and ``j2CvsB``. With ``remnant_jet``, a second record per event
        with the sums of pt, of eta, of phi and of mass of the further jets, 0 if there are none: as in PocketCoffea,
        these are sums of numbers, not of momenta.

    Raises:
        MissingBranchError: if the jets don't have the scores.
    """
    pair = leading_pair(jets, "j")
    if taggerVars:
        scores = {name: padded(branch(jets, score, "Jet"), 2) for name, score in _SCORES.items()}
        for number in (1, 2):
            for name, score in scores.items():
                values = ak.mask(score[:, number - 1], ~ak.is_none(pair.mass))
                pair = ak.with_field(pair, values, f"j{number}{name}")
    if not remnant_jet:
        return pair
    further = jets[:, 2:]
    return pair, four_momenta(ak.zip({name: ak.sum(further[name], axis=1) for name in KINEMATICS}))


_SCORES = {"CvsL": "btagCvL", "CvsB": "btagCvB"}


def four_momenta(objects: ak.Array) -> ak.Array:
    """Return four-momenta in double precision, since masses are small differences of large numbers."""
    from coffea.nanoevents.methods import candidate

    kinematics = {field: ak.values_astype(objects[field], np.float64) for field in KINEMATICS}
    charge = objects["charge"] if "charge" in objects.fields else ak.zeros_like(objects["pt"], dtype=np.int64)
    return ak.zip({**kinematics, "charge": charge}, with_name="PtEtaPhiMCandidate", behavior=candidate.behavior)


def leading_pair(objects: ak.Array, prefix: str) -> ak.Array:
    """Return the sum of the first two objects of each event, in double precision.

    Returns:
        One record per event, ``None`` for fewer than two objects: pt, eta, phi, mass and charge of the sum, the
        absolute deltaR, deltaPhi and deltaEta, and pt, eta, phi and mass of each object, named e.g. ``{prefix}1pt``.
    """
    from coffea.nanoevents.methods import candidate

    counts = counts_of(objects["pt"])
    has_two = counts >= 2
    place = starts_of(counts)[has_two]
    columns = {name: flat_values(objects[name]) for name in KINEMATICS}
    singles = [
        {name: column[place + number].astype(np.float64) for name, column in columns.items()} for number in (0, 1)
    ]
    # The fields are computed on first access: a configuration uses some of them, and all of them would be slow.
    pair, vectors = functools.cache(lambda: _sum(singles)), functools.cache(lambda: [*map(_vectors, singles)])
    numbers: dict[str, Callable[[], Any]] = {
        "pt": lambda: pair().pt,
        "eta": lambda: pair().eta,
        "phi": lambda: pair().phi,
        "mass": lambda: pair().mass,
        "deltaR": lambda: vectors()[0].deltaR(vectors()[1]),
        "deltaPhi": lambda: abs(vectors()[0].deltaphi(vectors()[1])),
        "deltaEta": lambda: abs(singles[0]["eta"] - singles[1]["eta"]),
    }
    fields = {name: lazy_column(name, len(place), np.float64, compute) for name, compute in numbers.items()}
    charge = flat_values(objects["charge"]) if "charge" in objects.fields else np.zeros(counts.sum(), dtype=np.int64)
    fields["charge"] = ak.Array(charge[place] + charge[place + 1])
    for number, single in enumerate(singles, start=1):
        fields |= {f"{prefix}{number}{name}": ak.Array(single[name]) for name in KINEMATICS}
    parameters = {"__record__": "PtEtaPhiMCandidate"}
    pairs = ak.contents.RecordArray([field.layout for field in fields.values()], list(fields), parameters=parameters)
    row = ak.index.Index64(np.where(has_two, np.cumsum(has_two) - 1, -1))
    return ak.Array(ak.contents.IndexedOptionArray(row, pairs), behavior=candidate.behavior)


def _sum(momenta: Sequence[Mapping[str, npt.NDArray[np.float64]]]) -> Any:
    """Return the sum of momenta. Cartesian coordinates are added directly, which is faster than with vector."""
    import vector

    x = sum(one["pt"] * np.cos(one["phi"]) for one in momenta)
    y = sum(one["pt"] * np.sin(one["phi"]) for one in momenta)
    along = [one["pt"] * np.sinh(one["eta"]) for one in momenta]
    energies = (np.sqrt(one["pt"] ** 2 + z**2 + one["mass"] ** 2) for one, z in zip(momenta, along, strict=True))
    return vector.array({"px": x, "py": y, "pz": sum(along), "E": sum(energies)})


def _vectors(single: Mapping[str, npt.NDArray[np.float64]]) -> Any:
    import vector

    return vector.array({name: single[name] for name in KINEMATICS})
