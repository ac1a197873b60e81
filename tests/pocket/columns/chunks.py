"""Generated chunks: events with their categories and weights, as awkward arrays and as plain Python."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import awkward as ak
import numpy as np
from hypothesis import strategies as st

from pocket.columns import ColOut
from pocket.engine.masks import CategoryMasks, to_bits
from pocket.engine.weighting import ChunkWeights
from tests.pocket.engine.generated_events import EVENT_FIELDS, OBJECT_FIELDS, Event, events, to_awkward

CATEGORIES = ("events", "objects")
VARIATIONS = ("nominal", "sfUp", "sfDown")
MISSING = -7.0

OPTIONS = st.fixed_dictionaries(
    {
        "fill_none": st.booleans(),
        "fill_value": st.just(MISSING),
        "pos_start": st.none() | st.integers(0, 1),
        "pos_end": st.none() | st.integers(2, 3),
        "store_size": st.booleans(),
    }
)
OBJECTS = st.builds(
    lambda columns, options: ColOut("Obj", columns, **options),
    st.lists(st.sampled_from(sorted(OBJECT_FIELDS)), min_size=1, unique=True),
    OPTIONS,
)
EVENTS = st.builds(
    lambda columns, fill_none: ColOut("events", columns, fill_none=fill_none, fill_value=MISSING),
    st.lists(st.sampled_from(sorted(EVENT_FIELDS)), min_size=1, unique=True),
    st.booleans(),
)


@dataclass(frozen=True)
class Chunk:
    """Events, and for each whether it is in the category ``events``; for each object whether it is in ``objects``."""

    generated: list[Event]
    in_events: list[bool]
    in_objects: list[list[bool]]
    weights: list[tuple[float, ...]]

    def events(self) -> ak.Array:
        """Return the events with their ids."""
        array = to_awkward(self.generated)
        for name, kind in (("run", "u4"), ("luminosityBlock", "u4"), ("event", "u8")):
            array[name] = np.arange(len(self.generated), dtype=kind)
        return array

    def masks(self) -> CategoryMasks:
        """Return the masks of the two categories."""
        counts = np.array([len(objects) for objects in self.in_objects], dtype=np.int64)
        flat = np.array([passes for objects in self.in_objects for passes in objects], dtype=bool)
        in_events = np.array(self.in_events, dtype=bool)
        event_masks = [in_events, np.array([any(objects) for objects in self.in_objects], dtype=bool)]
        return CategoryMasks(
            CATEGORIES,
            to_bits(event_masks, len(counts)),
            frozenset({"objects"}),
            "Obj",
            counts,
            to_bits([np.repeat(in_events, counts), flat], len(flat)),
        )

    def chunk_weights(self) -> ChunkWeights:
        """Return weights, the same in both categories."""
        matrix = np.array(self.weights, dtype=np.float64).reshape(1, len(self.weights), len(VARIATIONS))
        return ChunkWeights(VARIATIONS, matrix, dict.fromkeys(CATEGORIES, 0))

    def expected(self, outputs: list[ColOut], category: str) -> list[dict[str, Any]]:
        """Return the rows of a category, event by event."""
        rows = []
        for number, event in enumerate(self.generated):
            passing = self.in_objects[number]
            if not (self.in_events[number] if category == "events" else any(passing)):
                continue
            row: dict[str, Any] = {"run": number, "luminosityBlock": number, "event": number}
            row["weight"], row["weight_variation_sfUp"], row["weight_variation_sfDown"] = self.weights[number]
            for out in outputs:
                row.update(_values(event, out, passing if category == "objects" else [True] * len(passing)))
            rows.append(row)
        return rows


def _values(event: Event, out: ColOut, passing: list[bool]) -> dict[str, Any]:
    def filled(value: Any) -> Any:
        return MISSING if value is None and out.fill_none else value

    if out.collection == "events":
        return {f"events_{name}": filled(event[name]) for name in out.columns}
    chosen = [item for item, passes in zip(event["Obj"], passing, strict=True) if passes]
    chosen = [item for position, item in enumerate(chosen) if (out.pos_start or 0) <= position < (out.pos_end or 99)]
    row: dict[str, Any] = {f"Obj_{name}": [filled(item[name]) for item in chosen] for name in out.columns}
    if out.store_size:
        row["Obj_N"] = len(chosen)
    return row


@st.composite
def chunks(draw: st.DrawFn) -> Chunk:
    """Chunks with up to eight events, maybe none."""
    generated = draw(events())
    weight = st.tuples(*[st.sampled_from([0.0, -1.0, 1.0, 2.5])] * len(VARIATIONS))
    return Chunk(
        generated,
        [draw(st.booleans()) for _ in generated],
        [[draw(st.booleans()) for _ in event["Obj"]] for event in generated],
        [draw(weight) for _ in generated],
    )
