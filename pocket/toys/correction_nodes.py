"""Building blocks of the toys' correctionlib files."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from correctionlib import schemav2

from pocket.base.typing import Floats


def centres(edges: Sequence[float]) -> Floats:
    """Return the centres of bins; for a last bin without upper edge, 1.5 times its lower edge."""
    ends = [edge if np.isfinite(edge) else 2 * low for low, edge in itertools.pairwise(edges)]
    return (np.asarray(edges[:-1], dtype=np.float64) + ends) / 2


def binning(edges: Mapping[str, Sequence[float]], values: Floats) -> schemav2.MultiBinning:
    """Return values, shape (n bins of the first variable, …), in bins; outside of them the correction raises an error.

    Most of the groups' files do so, too.
    """
    content: list[Any] = values.ravel().tolist()
    axes: list[Any] = [[float(edge) if np.isfinite(edge) else "inf" for edge in axis] for axis in edges.values()]
    return schemav2.MultiBinning(nodetype="multibinning", inputs=list(edges), edges=axes, content=content, flow="error")


def category(variable: str, content: Mapping[Any, schemav2.Content]) -> schemav2.Category:
    """Return contents for each key of a variable."""
    items = [schemav2.CategoryItem(key=key, value=value) for key, value in content.items()]
    return schemav2.Category(nodetype="category", input=variable, content=items)


def correction(
    name: str, description: str, inputs: Sequence[schemav2.Variable], data: schemav2.Content
) -> schemav2.Correction:
    """Return a correction whose output is a weight."""
    return schemav2.Correction(
        name=name,
        version=1,
        description=description,
        inputs=list(inputs),
        output=schemav2.Variable(name="weight", type="real"),
        data=data,
    )


def write(path: str | Path, corrections: schemav2.CorrectionSet) -> None:
    """Write corrections as gzipped JSON, whose bytes are always the same for the same content."""
    Path(path).write_bytes(gzip.compress(corrections.model_dump_json(exclude_unset=True).encode(), mtime=0))
