from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from pocket.calibrators import Calibrator
from pocket.cuts.library import passthrough
from pocket.engine.layout import dataset_layout
from pocket.errors import ConfigError
from pocket.weights import WeightLambda
from tests.pocket.configs import DATA, DY, TT, configure, metadata

own = WeightLambda.wrap_func("own", lambda *args: 1.0, has_variations=True)


class Scale(Calibrator):
    name = "scale"
    has_variations = True
    _variations = ("scaleUp", "scaleDown")


class Resolution(Calibrator):
    name = "resolution"
    has_variations = True
    _variations = ("resolutionUp",)


CONFIG = configure(
    categories={"SR": [passthrough], "CR": [passthrough]},
    subsamples={"TT": {"bb": [passthrough], "cc": [passthrough]}},
    calibrators=[Scale, Resolution],
    weights_classes=[own],
    weights={"bysample": {"TT__bb": {"inclusive": ["own"]}}},
    variations={
        "weights": {"bysample": {"TT__bb": {"inclusive": ["own"]}}},
        "shape": {
            "common": {"bycategory": {"CR": ["scale"]}},
            "bysample": {"TT__cc": {"inclusive": ["resolution"]}},
        },
    },
)


def layout(dataset: str, config: Any = CONFIG) -> Any:
    return dataset_layout(config.plan(), config.parameters, metadata(config, dataset))


@pytest.mark.parametrize(
    ("dataset", "counted", "stored", "processed"),
    [
        (TT, ["TT", "TT__bb", "TT__cc"], ["TT__bb", "TT__cc"], ["scaleUp", "scaleDown", "resolutionUp"]),
        (DY, ["DY"], ["DY"], ["scaleUp", "scaleDown"]),
        (DATA, ["DATA"], ["DATA"], []),
    ],
)
def test_what_is_counted_stored_and_processed(
    dataset: str, counted: Sequence[str], stored: Sequence[str], processed: Sequence[str]
) -> None:
    found = layout(dataset)
    assert found.dataset == dataset
    assert found.counted == tuple(counted)
    assert found.stored == tuple(found.stored_variations) == tuple(stored)
    assert found.processed == ("nominal", *processed)


def test_each_subsample_stores_its_own_variations() -> None:
    stored = layout(TT).stored_variations
    assert stored["TT__bb"].names == ("nominal", "ownUp", "ownDown", "scaleUp", "scaleDown")
    assert stored["TT__bb"].shapes == {"SR": (), "CR": ("scaleUp", "scaleDown")}
    assert stored["TT__cc"].names == ("nominal", "resolutionUp", "scaleUp", "scaleDown")
    assert stored["TT__cc"].shapes == {"SR": ("resolutionUp",), "CR": ("scaleUp", "scaleDown", "resolutionUp")}
    assert layout(DATA).variations["DATA"].names == ("nominal",)


def test_variations_of_two_calibrators_must_differ() -> None:
    class Other(Scale):
        name = "other"

    config = configure(calibrators=[Scale, Other], variations={"shape": {"common": {"inclusive": ["scale", "other"]}}})
    with pytest.raises(ConfigError, match="'scaleUp' is one of calibrator 'scale' and one of 'other'"):
        layout(DY, config)
