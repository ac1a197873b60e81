"""Comparison of the same output that was made twice, number by number."""

from __future__ import annotations

import io
import json
import math
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pocket.histograms.raw import RAW, read_raw
from pocket.io.store.manifest import NAME
from pocket.io.store.packing import contents_of_output

#: Largest difference that chunks of other sizes make, relative to the largest number of an array.
ROUNDING = 1e-10


@dataclass(frozen=True)
class Difference:
    """Difference of a file: where and how large it is, as a clause, and relative to the largest number beside it.

    It is infinite if something else than numbers differs.
    """

    file: str
    place: str
    relative: float

    @property
    def is_rounding(self) -> bool:
        """Whether all differences may come from the order of sums."""
        return self.relative <= ROUNDING


def compare_outputs(one: Path, other: Path) -> list[Difference]:
    """Return the differences of two outputs, folders or containers, one for each file whose bits differ."""
    before, again = contents_of_output(one), contents_of_output(other)
    names = [name for name in sorted({*before, *again}) if name != NAME and before.get(name) != again.get(name)]
    return [_difference(name, before.get(name), again.get(name)) for name in names]


def _difference(name: str, before: bytes | None, again: bytes | None) -> Difference:
    if before is None or again is None:
        return Difference(name, "is missing" if before is None else "isn't made any more", math.inf)
    try:
        one, other = dict(parts(name, before)), dict(parts(name, again))
    except Exception as error:  # A damaged file may raise anything.
        return Difference(name, f"can't be read: {error}", math.inf)
    found = [(distance(one.get(place), other.get(place)), place) for place in {**one, **other}]
    wrong = [(distance, place) for distance, place in found if distance > 0]
    if not wrong:
        return Difference(name, "has other bytes", math.inf)
    largest, place = max(wrong)
    more = f", and {len(wrong) - 1} more places" if len(wrong) > 1 else ""
    size = f" by {largest:.1e} of the largest number" if math.isfinite(largest) else ""
    return Difference(name, f"differs in {place}{size}{more}", largest)


def parts(name: str, content: bytes) -> Iterator[tuple[str, Any]]:
    """Yield place → numbers or text of a file."""
    if name == RAW:
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, RAW).write_bytes(content)
            yield from leaves(read_raw(folder))
    elif name.endswith(".h5"):
        import h5py

        found: dict[str, Any] = {}
        with h5py.File(io.BytesIO(content)) as file:
            file.visititems(lambda place, item: found.update({place: item[()]} if hasattr(item, "dtype") else {}))
        yield from found.items()
    elif name.endswith(".json"):
        yield from leaves(json.loads(content))
    else:
        yield "its bytes", content


def leaves(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Yield place → numbers of nested dictionaries of numbers and histograms, which have arrays with flow bins.

    >>> list(leaves({"sumw": {"baseline": 2.0}}))
    [('sumw baseline', 2.0)]
    """
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from leaves(item, f"{place} {key}".strip())
    elif callable(getattr(value, "view", None)):
        view = value.view(flow=True)
        for part in view.dtype.names or ("value",):
            yield f"{place} ({part})", view[part] if view.dtype.names else view
    else:
        yield place, value


def distance(one: Any, other: Any) -> float:
    """Return the largest difference of numbers relative to the largest of them, infinite for anything else."""
    try:
        before, again = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    except (TypeError, ValueError):
        return 0.0 if repr(one) == repr(other) else math.inf
    if before.shape != again.shape:
        return math.inf
    if before.tobytes() == again.tobytes():
        return 0.0
    difference = np.abs(before - again).max(initial=0.0)
    largest = max(np.abs(before).max(initial=0.0), np.abs(again).max(initial=0.0))
    return float(difference / largest) if np.isfinite(difference) and largest > 0 and difference > 0 else math.inf
