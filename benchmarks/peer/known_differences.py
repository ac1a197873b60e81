"""Known differences to PocketCoffea's numbers, with checks of their size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.peer.comparison import TOLERANCE, Numbers, Quantity, contents, relative_difference
from benchmarks.peer.ours import OWN_FACTOR
from benchmarks.peer.running import Side


@dataclass(frozen=True)
class KnownDifference:
    """A bug or gap of PocketCoffea that this project does not share.

    Args:
        name: behaviour of PocketCoffea.
        explains: whether the bug explains the difference of a quantity, given PocketCoffea's side. It checks the
            numbers as far as they follow from the bug, and not only their place.
    """

    name: str
    explains: Callable[[Quantity, Side], bool]


def _sum_of_data(quantity: Quantity, theirs: Side) -> bool:
    if quantity.kind not in ("category_sumw", "category_sumw2") or quantity.theirs is not None:
        return False
    dataset = quantity.place[1]
    return dataset not in theirs.output["sum_genweights"]


def _sum_in_shape_variation(quantity: Quantity, theirs: Side) -> bool:
    if quantity.kind not in ("category_sumw", "category_sumw2") or quantity.theirs is None:
        return False
    _, dataset, _, variation = quantity.place
    if variation == "nominal":
        return False
    power = 1 if quantity.kind == "category_sumw" else 2
    normalised = quantity.theirs / theirs.output["sum_genweights"][dataset] ** power
    return relative_difference(quantity.ours, normalised) <= TOLERANCE


def _shape_not_asked_for(quantity: Quantity, theirs: Side) -> bool:
    if quantity.kind not in ("sumw", "sumw2") or quantity.theirs is None or np.any(quantity.theirs):
        return False
    variable, sample, dataset, category, variation = quantity.place
    # PocketCoffea counts the events in the variation, so it processed it but left it out of the histogram.
    if variation not in theirs.output["cutflow"][category].get(dataset, {}).get(sample, {}):
        return False
    nominal = contents(theirs.output["variables"][variable][sample][dataset])[category, "nominal"]
    return relative_difference(quantity.ours, nominal[quantity.kind == "sumw2"]) <= TOLERANCE


def _column_weight(quantity: Quantity, theirs: Side) -> Numbers | None:
    """Return PocketCoffea's column of weights of simulation, divided by the sum of generator weights."""
    if quantity.kind != "column" or quantity.theirs is None or not quantity.place[-1].startswith("weight"):
        return None
    total = theirs.output["sum_genweights"].get(quantity.place[1])
    return None if total is None else quantity.theirs / total


def _unnormalised_column(quantity: Quantity, theirs: Side) -> bool:
    weights = _column_weight(quantity, theirs)
    return weights is not None and relative_difference(quantity.ours, weights) <= TOLERANCE


def _column_of_subsample(quantity: Quantity, theirs: Side) -> bool:
    weights = _column_weight(quantity, theirs)
    if weights is None or "__" not in quantity.place[0]:
        return False
    return relative_difference(quantity.ours, weights * OWN_FACTOR) <= TOLERANCE


def _column_not_asked_for(quantity: Quantity, theirs: Side) -> bool:
    """Tell whether our column of a varied weight is nominal, where PocketCoffea has no such column."""
    if quantity.kind != "column" or quantity.theirs is not None or quantity.ours is None:
        return False
    *place, name = quantity.place
    nominal = theirs.columns.get("/".join((*place, "weight")))
    if not name.startswith("weight_variation_") or nominal is None:
        return False
    normalised = nominal / theirs.output["sum_genweights"].get(place[1], 1.0)
    return relative_difference(quantity.ours, normalised) <= TOLERANCE


#: Those that the flows of the comparison with a release show.
KNOWN = (
    KnownDifference("stores no sums of the weights of data", _sum_of_data),
    KnownDifference("leaves sums of weights in shape variations unnormalised", _sum_in_shape_variation),
    KnownDifference(
        "leaves a shape variation empty in categories that do not ask for it, where ours is nominal",
        _shape_not_asked_for,
    ),
    KnownDifference("leaves the weights in columns unnormalised", _unnormalised_column),
    KnownDifference(
        "leaves the weights in columns unnormalised, and those of a subsample without the subsample's own weights",
        _column_of_subsample,
    ),
)

#: Those that only configurations of other people show.
ELSEWHERE = (
    KnownDifference(
        "has no column of a weight's variation in categories that do not ask for it, where ours is nominal",
        _column_not_asked_for,
    ),
)


def explanation(quantity: Quantity, theirs: Side) -> str | None:
    """Return the name of the known difference that explains a quantity, ``None`` if there is none.

    Args:
        quantity: numbers that differ.
        theirs: all output of PocketCoffea.
    """
    return next((known.name for known in (*KNOWN, *ELSEWHERE) if known.explains(quantity, theirs)), None)
