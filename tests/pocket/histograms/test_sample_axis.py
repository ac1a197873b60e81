"""Histograms of samples in one histogram, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import hist
import numpy as np
import pytest

from pocket.errors import HistogramError
from pocket.histograms.axes import category_axis
from pocket.histograms.sample_axis import join_samples, split_samples


def histogram(variations: Sequence[str], seed: int, bins: int = 3) -> hist.Hist[Any]:
    """Return a filled histogram with two categories."""
    axes: list[Any] = [category_axis("cat", ["a", "b"])]
    axes += [category_axis("variation", variations)] if variations else []
    filled: hist.Hist[Any] = hist.Hist(*axes, hist.axis.Regular(bins, 0, 3, name="x"), storage=hist.storage.Weight())
    view = filled.view(flow=True)
    rng = np.random.default_rng(seed)
    view["value"], view["variance"] = rng.uniform(size=view.shape), rng.uniform(size=view.shape)
    return filled


def test_samples_with_different_variations() -> None:
    samples = {"tt": histogram(["nominal", "up"], 1), "dy": histogram(["nominal", "down"], 2), "data": histogram([], 3)}
    joined = join_samples(samples)
    assert joined.axes.name == ("samples", "cat", "variation", "x")
    assert list(joined.axes["variation"]) == ["nominal", "up", "down"]
    for variation, at in {"nominal": "nominal", "up": "up", "down": "nominal"}.items():
        found = joined[{"samples": "tt", "variation": variation}]
        assert found.view(flow=True).tobytes() == samples["tt"][{"variation": at}].view(flow=True).tobytes()
        data = joined[{"samples": "data", "variation": variation}]
        assert data.view(flow=True).tobytes() == samples["data"].view(flow=True).tobytes()
    split = split_samples(joined, without_variations=["data"])
    assert split["data"].view(flow=True).tobytes() == samples["data"].view(flow=True).tobytes()
    assert split["data"].axes.name == ("cat", "x")
    assert split["dy"].axes.name == ("cat", "variation", "x")


def test_only_data() -> None:
    one, other = histogram([], 1), histogram([], 2)
    joined = join_samples({"one": one, "other": other})
    assert joined.axes.name == ("samples", "cat", "x")
    assert split_samples(joined, without_variations=["one", "other"]) == {"one": one, "other": other}


def test_other_axes_are_an_error() -> None:
    with pytest.raises(HistogramError, match="the histogram of sample 'dy' has other axes than that of 'tt'"):
        join_samples({"tt": histogram(["nominal"], 1), "dy": histogram(["nominal"], 1, bins=4)})
    with pytest.raises(HistogramError, match="no histogram to join"):
        join_samples({})
