"""Small correctionlib files for the tests."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import correctionlib.schemav2 as cs

KINDS = ("nominal", "up", "down")


def binned(
    name: str, edges: Mapping[str, Sequence[float]], value: Callable[..., float], systematic: str
) -> cs.Correction:
    """Return a correction in bins of some variables and a kind, clamped at the ends.

    Args:
        name: name of the correction.
        edges: variable → edges of its bins.
        value: called with the kind and the number of the bin of each variable.
        systematic: name of the input that takes the kind.
    """
    numbers = itertools.product(*(range(len(axis) - 1) for axis in edges.values()))
    bins = list(numbers)

    def content(kind: str) -> cs.MultiBinning:
        return cs.MultiBinning(
            nodetype="multibinning",
            inputs=list(edges),
            edges=[list(axis) for axis in edges.values()],
            content=[value(kind, *position) for position in bins],
            flow="clamp",
        )

    return cs.Correction(
        name=name,
        version=1,
        inputs=[
            *(cs.Variable(name=variable, type="real") for variable in edges),
            cs.Variable(name=systematic, type="string"),
        ],
        output=cs.Variable(name="weight", type="real"),
        data=cs.Category(
            nodetype="category",
            input=systematic,
            content=[cs.CategoryItem(key=kind, value=content(kind)) for kind in KINDS],
        ),
    )


def write_corrections(path: Path, *corrections: cs.Correction) -> str:
    """Write corrections to a file and return its path."""
    path.write_text(cs.CorrectionSet(schema_version=2, corrections=list(corrections)).model_dump_json())
    return str(path)
