"""One-to-one matching of two collections by distance."""

from __future__ import annotations

import awkward as ak
import numpy as np
import numpy.typing as npt

from pocket.objects.matching import delta_r_table, rows


def object_matching(
    obj: ak.Array,
    obj2: ak.Array,
    dr_min: float,
    dpt_max: float | ak.Array | None = None,
    return_indices: bool = False,
) -> tuple[ak.Array, ...]:
    """Return one-to-one matches of the objects of two collections, the closest pairs first.

    Args:
        obj: jagged records with eta and phi, and pt if ``dpt_max`` is given, shape (n events, n); ``None`` matches
            nothing.
        obj2: the same, shape (n events, n2).
        dr_min: distance from which objects don't match.
        dpt_max: difference of pt in GeV from which objects don't match, one number or one per event.
        return_indices: return the positions of the objects, too.

    Returns:
        Three arrays of shape (n events, n2) in the order of ``obj2``, ``None`` where it isn't matched: the matched
        ``obj``, the matched ``obj2`` and the distance between them. With ``return_indices``, they are followed by the
        positions in ``obj`` and in ``obj2``, likewise, and by the distances of the matched pairs alone.
    """
    index, distance = match_indices(obj, obj2, dr_min, dpt_max)
    index2 = ak.mask(ak.local_index(index, axis=1), ~ak.is_none(index, axis=1))
    matches = obj[index], obj2[index2], distance
    return (*matches, index, index2, ak.drop_none(distance, axis=1)) if return_indices else matches


def match_indices(
    obj: ak.Array, obj2: ak.Array, dr_min: float, dpt_max: float | ak.Array | None = None
) -> tuple[ak.Array, ak.Array]:
    """Return one-to-one matches as in :func:`object_matching`, as positions of shape (n events, n2), and distances."""
    distances = delta_r_table(_far_if_missing(obj), _far_if_missing(obj2))
    counts, counts2 = ak.to_numpy(ak.num(obj.eta)), ak.to_numpy(ak.num(obj2.eta))
    flat = ak.to_numpy(ak.flatten(distances, axis=None))
    first, second = map(ak.to_numpy, map(ak.flatten, ak.unzip(ak.cartesian([rows(counts), rows(counts2)]))))
    matching = flat < dr_min
    if dpt_max is not None:
        # A pair that fails must not take the objects of one that passes, so this comes before the assignment.
        pt, pt2 = (ak.to_numpy(ak.flatten(objects.pt)) for objects in (obj, obj2))
        limit = np.repeat(np.broadcast_to(ak.to_numpy(dpt_max), counts.shape), counts * counts2)
        matching &= abs(pt[first] - pt2[second]) < limit
    pairs = _closest_first(flat, np.flatnonzero(matching), first, second, int(counts.sum()), int(counts2.sum()))

    partner = np.full(counts2.sum(), -1)
    distance = np.zeros(counts2.sum(), dtype=flat.dtype)
    starts = np.cumsum(counts) - counts
    partner[second[pairs]] = first[pairs] - np.repeat(starts, counts2)[second[pairs]]
    distance[second[pairs]] = flat[pairs]
    index, matched = ak.unflatten(partner, counts2), ak.unflatten(partner >= 0, counts2)
    return ak.mask(index, matched), ak.mask(ak.unflatten(distance, counts2), matched)


def _far_if_missing(objects: ak.Array) -> ak.Array:
    """Return eta and phi of objects, without a number for those that are ``None``: these match nothing."""
    if not ak.any(ak.is_none(objects.eta, axis=1)):
        return objects
    counts = ak.num(objects.eta)
    columns = {name: ak.to_numpy(ak.flatten(objects[name])) for name in ("eta", "phi")}
    numbers = {name: np.where(np.ma.getmaskarray(each), np.nan, np.ma.getdata(each)) for name, each in columns.items()}
    return ak.zip({name: ak.unflatten(each, counts) for name, each in numbers.items()})


def _closest_first(
    distances: npt.NDArray[np.floating],
    candidates: npt.NDArray[np.int64],
    rows: npt.NDArray[np.int64],
    rows2: npt.NDArray[np.int64],
    n_rows: int,
    n_rows2: int,
) -> npt.NDArray[np.int64]:
    """Return those of the candidates that match, with each object in at most one of them.

    Pairs in which each is the closest free object to the other are chosen at once, until none is left.
    """
    candidates = candidates[np.argsort(distances[candidates], kind="stable")]
    chosen = []
    while len(candidates):
        rank = np.arange(len(candidates))
        best, best2 = np.full(n_rows, len(rank)), np.full(n_rows2, len(rank))
        np.minimum.at(best, rows[candidates], rank)
        np.minimum.at(best2, rows2[candidates], rank)
        mutual = (best[rows[candidates]] == rank) & (best2[rows2[candidates]] == rank)
        taken = candidates[mutual]
        chosen.append(taken)
        used, used2 = np.zeros(n_rows, dtype=np.bool_), np.zeros(n_rows2, dtype=np.bool_)
        used[rows[taken]], used2[rows2[taken]] = True, True
        candidates = candidates[~(used[rows[candidates]] | used2[rows2[candidates]])]
    return np.concatenate(chosen) if chosen else candidates


def deltaR_matching_nonunique(obj1: ak.Array, obj2: ak.Array, radius: float = 0.4) -> ak.Array:  # noqa: N802
    """Return the objects of the second collection, each assigned to the closest object of the first.

    Args:
        obj1: jagged records with eta and phi, shape (n events, n).
        obj2: the same, shape (n events, n2).
        radius: distance from which objects don't match.

    Returns:
        Records of ``obj2`` with their distance ``dR``, shape (n events, n, n assigned to this object).
    """
    distances = delta_r_table(obj1, obj2)
    closest = ak.argmin(distances, axis=1, keepdims=True) == ak.local_index(distances, axis=1)
    _, others = ak.unzip(ak.cartesian([obj1, obj2], nested=True))
    return ak.with_field(others, distances, "dR")[closest & (distances < radius)]
