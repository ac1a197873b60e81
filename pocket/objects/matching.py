"""Distances of objects, and their matching in (eta, phi).

The metrics are for tables of all pairs of two collections, ``objects.metric_table(others, metric=metric_eta)``.
"""

from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt

from pocket.base.arrays.fields import is_optional
from pocket.base.arrays.jagged import counts_of, flat_values, offsets_of, to_lists


def delta_r(eta1: Any, phi1: Any, eta2: Any, phi2: Any) -> Any:
    """Return the distance sqrt(Δη² + Δφ²), with Δφ in [-π, π).

    Args:
        eta1: pseudorapidity of the first objects; arrays of any shape that broadcast.
        phi1: azimuth of the first objects, in radians.
        eta2: pseudorapidity of the second objects.
        phi2: azimuth of the second objects, in radians.
    """
    return np.hypot(eta1 - eta2, delta_phi(phi1, phi2))


def delta_r_table(objects: ak.Array, others: ak.Array) -> ak.Array:
    """Return the distance between each object and each of the others in the same event.

    Args:
        objects: jagged records with eta and phi, shape (n events, n objects).
        others: jagged records with eta and phi, shape (n events, n others).

    Returns:
        Distances of shape (n events, n objects, n others).
    """
    columns = (objects["eta"], objects["phi"], others["eta"], others["phi"])
    if any(is_optional(column) for column in columns):
        eta, phi = (column[:, :, np.newaxis] for column in columns[:2])
        eta2, phi2 = (column[:, np.newaxis, :] for column in columns[2:])
        return delta_r(eta, phi, eta2, phi2)
    # Pairs are computed as flat arrays, since these are faster than jagged ones.
    counts, counts2 = (counts_of(column) for column in (objects["eta"], others["eta"]))
    first, second = map(flat_values, ak.unzip(ak.cartesian([rows(counts), rows(counts2)])))
    eta, phi, eta2, phi2 = map(flat_values, columns)
    distances = delta_r(eta[first], phi[first], eta2[second], phi2[second])
    return ak.unflatten(to_lists(distances, np.repeat(counts2, counts)), counts)


def distance_to_nearest(objects: ak.Array, others: ak.Array) -> ak.Array:
    """Return the distance between each object and the closest of the others in the same event.

    Args:
        objects: jagged records with eta and phi, shape (n events, n objects).
        others: jagged records with eta and phi, shape (n events, n others).

    Returns:
        Distances of shape (n events, n objects); infinite if an event has no others.
    """
    columns = (objects["eta"], objects["phi"], others["eta"], others["phi"])
    if any(is_optional(column) for column in columns):
        return ak.fill_none(ak.min(delta_r_table(objects, others), axis=2), np.inf)
    from pocket.base.arrays.compiled import smallest_distances

    counts, counts2 = (counts_of(column) for column in (objects["eta"], others["eta"]))
    eta, phi, eta2, phi2 = map(flat_values, columns)
    smallest = np.empty(len(eta), dtype=np.result_type(eta, eta2))
    smallest_distances(eta, phi, offsets_of(counts), eta2, phi2, offsets_of(counts2), smallest)
    return to_lists(smallest, counts)


def rows(counts: npt.NDArray[np.int64]) -> ak.Array:
    """Return the positions of objects in a flat array of the objects of all events."""
    return to_lists(np.arange(counts.sum()), counts)


def trigger_match(objects: ak.Array, trigobjs: ak.Array, id: int, max_dr: float) -> ak.Array:
    """Return the mask of objects that are close to a trigger object of one kind.

    To match one path only, select the trigger objects by their filter bits first.

    Args:
        objects: jagged records with eta and phi, shape (n events, n objects).
        trigobjs: NanoAOD's TrigObj: jagged records with id, eta and phi.
        id: kind of trigger object: 11 electron, 13 muon, 1 jet.
        max_dr: largest distance, exclusive.

    Returns:
        Boolean per object, shape (n events, n objects).
    """
    return distance_to_nearest(objects, trigobjs[trigobjs.id == id]) < max_dr


def metric_pt(first: Any, second: Any) -> Any:
    """Return the absolute difference of the transverse momenta in GeV.

    Examples:
        >>> import awkward as ak
        >>> metric_pt(ak.Array([{"pt": 30.0}]), ak.Array([{"pt": 25.0}])).tolist()
        [5.0]
    """
    return abs(first.pt - second.pt)


def metric_eta(first: Any, second: Any) -> Any:
    """Return the absolute difference of the pseudorapidities.

    Examples:
        >>> import awkward as ak
        >>> metric_eta(ak.Array([{"eta": 1.0}]), ak.Array([{"eta": -1.0}])).tolist()
        [2.0]
    """
    return abs(first.eta - second.eta)


def delta_phi(first: Any, second: Any) -> Any:
    """Return the difference of azimuthal angles in radians, from -π up to π.

    Examples:
        >>> round(delta_phi(3.0, -3.0), 3)
        -0.283
    """
    return (first - second + np.pi) % (2 * np.pi) - np.pi


def metric_phi(first: Any, second: Any) -> Any:
    """Return the absolute difference of the azimuthal angles in radians, up to π.

    Examples:
        >>> import awkward as ak
        >>> metric_phi(ak.Array([{"phi": 3.0}]), ak.Array([{"phi": 2.5}])).tolist()
        [0.5]
    """
    return abs(delta_phi(first.phi, second.phi))
