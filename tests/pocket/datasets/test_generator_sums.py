from __future__ import annotations

import math
from typing import Any

import awkward as ak
import numpy as np
import pytest

from pocket.datasets.generator_sums import generator_sums, restore_sums
from pocket.errors import DatasetError

METADATA = {"dataset": "DY", "isMC": True}
WEIGHTS = np.array([1e8, 0.25, -2.0, 0.0, -1e8, 0.5], dtype=np.float32)


def test_sums_in_double_precision() -> None:
    total, signs = generator_sums(ak.Array({"genWeight": WEIGHTS}), METADATA)
    assert total == math.fsum(float(weight) for weight in WEIGHTS) == -1.25
    assert signs == 1


def test_a_skim_stands_for_all_its_events() -> None:
    rescale = np.array([2.0, 2.0, 2.0, 3.0, 3.0, 3.0])
    events = ak.Array({"genWeight": WEIGHTS, "skimRescaleGenWeight": rescale})
    total, signs = generator_sums(events, {**METADATA, "isSkim": True})
    assert total == math.fsum(float(weight) * factor for weight, factor in zip(WEIGHTS, rescale, strict=True))
    # nothing tells how many were negative
    assert signs == 0
    # a branch of that name in a dataset that is no skim, of unknown meaning
    assert generator_sums(events, METADATA)[0] == -1.25
    assert generator_sums(events[["genWeight"]], {**METADATA, "isSkim": True}) == (0, 0)


def test_weights_that_are_not_finite() -> None:
    events = ak.Array({"genWeight": np.array([1.0, np.nan, np.inf])})
    with pytest.raises(DatasetError, match="'DY': genWeight is not finite for 2 of 3 events"):
        generator_sums(events, METADATA)


def merged() -> dict[str, Any]:
    return {
        "cutflow": {"initial": {"DY": 3, "TT": 4}},
        "sum_genweights": {"DY": 1.5, "TT": 2.5},
        "sum_signOf_genweights": {"DY": 0.0, "TT": 1.0},
    }


def test_sums_of_a_skim_replace_those_of_its_files() -> None:
    output = merged()
    sums = {"nevents_before_skim": 100, "sum_genweights": 40.0, "sum_signOf_genweights": 80.0}
    restore_sums(output, "DY", {"isMC": True, "isSkim": True, **sums})
    assert output == {
        "cutflow": {"initial": {"DY": 100, "TT": 4}},
        "sum_genweights": {"DY": 40.0, "TT": 2.5},
        "sum_signOf_genweights": {"DY": 80.0, "TT": 1.0},
    }


@pytest.mark.parametrize("metadata", [{"isMC": True}, {"isMC": True, "isSkim": True}])
def test_what_is_not_known_stays(metadata: dict[str, Any]) -> None:
    output = merged()
    restore_sums(output, "DY", metadata)
    assert output == merged()
