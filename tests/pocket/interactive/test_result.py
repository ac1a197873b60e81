"""Yields, cutflow and what is shown of a result."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from pocket.calibrators import Calibrator
from pocket.cuts.cut import Cut
from pocket.cuts.library import passthrough
from pocket.errors import UnknownNameError
from pocket.interactive import Result, process
from tests.pocket.configs import DATA, DY, TT, configure
from tests.pocket.engine.root_files import write_nano

HIGH = Cut("high", {}, lambda events, params, **kwargs: np.asarray(events.x) > 1)
LOW = Cut("low", {}, lambda events, params, **kwargs: np.asarray(events.x) <= 1)


class Scale(Calibrator):
    """Scales x of simulation."""

    name, has_variations = "scale", True
    isMC_only = True  # noqa: N815  PocketCoffea's spelling
    calibrated_collections = ("x",)
    inputs = ()
    _variations = ("scaleUp", "scaleDown")

    def calibrate(self, events: Any, original: Any, variation: str, already_applied: Any) -> Mapping[str, Any]:
        """Scale."""
        return {"x": events.x * {"scaleUp": 1.5, "scaleDown": 0.5}.get(variation, 1.0)}


@pytest.fixture(scope="module")
def columns(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("files")
    return {
        name: (folder / name, write_nano(folder / name, 50, i))
        for i, name in enumerate(("tt.root", "dy.root", "d.root"))
    }


@pytest.fixture(scope="module")
def result(columns: dict[str, Any]) -> Result:
    config = configure(
        skim=[Cut("some", {}, lambda events, params, **kwargs: np.asarray(events.x) > 0.2)],
        categories={"all": [passthrough], "high": [HIGH]},
        subsamples={"TT": {"high": [HIGH], "low": [LOW]}},
        weights={"common": {"inclusive": ["genWeight"]}},
        calibrators=[Scale],
        variations={"shape": {"common": {"bycategory": {"high": ["scale"]}}}},
    )
    files = {TT: "tt.root", DY: "dy.root", DATA: "d.root"}
    return process(config, {dataset: columns[name][0] for dataset, name in files.items()})


def test_cutflow(result: Result, columns: dict[str, Any]) -> None:
    x = {dataset: columns[name][1]["x"] for dataset, name in ((TT, "tt.root"), (DY, "dy.root"), (DATA, "d.root"))}
    assert list(result.cutflow) == ["initial", "skim", "preselection", "all", "high"]
    for dataset, values in x.items():
        passing = int((values > 0.2).sum())
        found = [result.cutflow[row][dataset] for row in result.cutflow]
        assert found == [50, passing, passing, passing, int((values > 1).sum())]


def test_yields(result: Result, columns: dict[str, Any]) -> None:
    tt = columns["tt.root"][1]
    weights, x = tt["genWeight"].astype(np.float64), tt["x"]
    table = result.yields()
    assert list(table) == ["DY", "TT", "TT__high", "TT__low", "simulation", "DATA"]
    chosen = weights[x > 1] / weights.sum()
    assert table["TT"]["high"].value == pytest.approx(chosen.sum())
    assert table["TT"]["high"].error == pytest.approx(math.sqrt((chosen**2).sum()))
    assert table["TT__high"]["all"] == pytest.approx(table["TT"]["high"])
    # the sum has each event once, although subsamples have them, too
    assert table["simulation"]["all"].value == pytest.approx(table["TT"]["all"].value + table["DY"]["all"].value)
    assert table["DATA"]["high"] == int((columns["d.root"][1]["x"] > 1).sum())
    up = result.yields("scaleUp")
    some = x > np.float32(0.2)
    assert up["TT"]["high"].value == pytest.approx((weights[some & (x * 1.5 > 1)] / weights.sum()).sum())
    assert up["DATA"] == table["DATA"]
    with pytest.raises(
        UnknownNameError, match="unknown variation 'scale' in the sums of nominal and of shape variations"
    ):
        result.yields("scale")


def test_histograms(result: Result) -> None:
    histogram = result.histograms["x"]
    assert histogram.axes.name == ("samples", "cat", "variation", "x")
    assert list(histogram.axes["samples"]) == ["DY", "TT__high", "TT__low", "DATA"]
    table = result.yields("scaleUp")
    for sample in histogram.axes["samples"]:
        value = histogram[{"samples": sample, "cat": "high", "variation": "scaleUp"}].sum(flow=True).value
        expected = table[sample]["high"]
        assert value == pytest.approx(expected if isinstance(expected, int) else expected.value)


def test_what_is_shown(result: Result) -> None:
    text = repr(result)
    assert text.startswith(f"Result of {DY} (50 events), {TT} (50 events), {DATA} (50 events)\nhistograms: x\n")
    assert "divided by the sum of genWeight" in text
    assert "lumi" in text
    html = result._repr_html_()
    assert "<table>" in html
    assert "TT__high" in html
