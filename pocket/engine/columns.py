"""Columns of a chunk, as one record per event of a category."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import awkward as ak
import numpy as np

from pocket.base.arrays.fields import branch, collection
from pocket.base.typing import Mask
from pocket.columns.config import EVENT_IDS, WEIGHT, WEIGHT_VARIATION, ColOut
from pocket.engine.masks import CategoryMasks
from pocket.engine.weighting import ChunkWeights
from pocket.errors import ColumnError, check_known


def collect_columns(
    outputs: Mapping[str, Sequence[ColOut]],
    events: ak.Array,
    masks: CategoryMasks,
    weights: ChunkWeights,
    changed: frozenset[str] | None = None,
) -> dict[str, ak.Array]:
    """Return category → columns of all categories that export any, without references to the file.

    Every record has the event's ids, its weight, the variations of the weight, and the declared columns. A category per
    object has the events with any of its objects, and only these objects of their collection. ``changed`` are the
    collections that the shape variation changes; ``None`` for nominal.

    The types don't depend on the values: a column with ``fill_none`` has no missing values, any other may have some in
    any chunk.
    """
    return {
        category: ak.zip(_record(declared, events, masks, weights, changed, category), depth_limit=1)
        for category, declared in outputs.items()
        if declared
    }


def _record(
    outputs: Sequence[ColOut],
    events: ak.Array,
    masks: CategoryMasks,
    weights: ChunkWeights,
    changed: frozenset[str] | None,
    category: str,
) -> dict[str, Any]:
    rows = masks.of(category)
    columns = {name: _packed(branch(events, name, "events")[rows]) for name in EVENT_IDS}
    columns[WEIGHT] = weights.nominal(category)[rows]
    for variation in weights.variations[1:]:
        columns[f"{WEIGHT_VARIATION}{variation}"] = weights.column(category, variation)[rows]
    for out in outputs:
        check_known("collection", out.depends_on or (), events.fields, f"depends_on of columns of {out.collection!r}")
        if out.is_written(changed):
            columns.update(_columns(out, events, masks, category, rows))
    return columns


def _columns(
    out: ColOut, events: ak.Array, masks: CategoryMasks, category: str, rows: Mask
) -> Iterator[tuple[str, ak.Array]]:
    """Yield the columns of one declaration, followed by the number of objects."""
    objects = events if out.collection == "events" else collection(events, out.collection)
    jagged = objects.ndim > 1
    objects = objects[rows]
    if jagged:
        # An event without a list has no objects.
        objects = ak.fill_none(objects, [], axis=0)
        if category in masks.per_object:
            if out.collection != masks.collection:
                raise ColumnError(
                    f"category {category!r} selects objects of {masks.collection!r}, it can't export columns of "
                    f"{out.collection!r}: declare them for the other categories"
                )
            objects = objects[ak.unflatten(masks.objects(category), masks.counts)[rows]]
        objects = objects[:, out.pos_start : out.pos_end]
    elif out.has_positions:
        raise ColumnError(f"columns of {out.collection!r}: it has one object per event, and no positions")
    for name in out.columns:
        yield f"{out.collection}_{name}", _of_one_type(branch(objects, name, out.collection), out, name)
    if jagged and out.store_size:
        yield f"{out.collection}_N", _packed(ak.num(objects, axis=1))


def _of_one_type(values: ak.Array, out: ColOut, name: str) -> ak.Array:
    """Return values whose type depends on the declaration alone, also whether some may be missing."""

    def leaf(layout: ak.contents.Content, **kwargs: Any) -> ak.contents.Content | None:
        if layout.is_list and layout.parameter("__array__") is None:
            return None
        content = layout.content if layout.is_option else layout
        if content.is_list and content.parameter("__array__") is None:
            return ak.transform(leaf, ak.fill_none(layout, [], axis=0, highlevel=False), highlevel=False)
        if content.is_record or content.is_union:
            kind = f"records with the fields {', '.join(content.fields)}" if content.is_record else "mixed types"
            raise ColumnError(f"column '{out.collection}_{name}' is made of {kind}, not of numbers")
        if not out.fill_none:
            return ak.contents.UnmaskedArray.simplified(layout)
        if layout.is_option and content.is_numpy:
            # The type is widened if it can't hold the fill value, but an integer never makes it a float.
            fill = out.fill_value if out.fill_value % 1 or abs(out.fill_value) >= 2**63 else int(out.fill_value)
            own = "i8" if content.dtype == "u8" and fill < 0 else content.dtype
            dtype = np.result_type(own, np.min_scalar_type(fill))
            return ak.fill_none(ak.values_astype(layout, dtype, highlevel=False), dtype.type(fill), highlevel=False)
        return layout

    return ak.transform(leaf, _packed(ak.from_regular(values, axis=None)))


def _packed(values: ak.Array) -> ak.Array:
    """Return values in memory, without references to the events and without NanoEvents' behaviour."""
    return ak.Array(ak.to_packed(ak.materialize(values), highlevel=False))
