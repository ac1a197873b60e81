from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import awkward as ak
import hist
import numpy as np
import pytest

from pocket.calibrators import Calibrator
from pocket.configuration.analysis import Analysis
from pocket.configuration.configurator import Configurator
from pocket.engine.chunk import process_chunk
from pocket.errors import ConfigError
from pocket.histograms.both_sides import with_both_sides, with_both_sums, with_variations
from pocket.histograms.config import Axis, HistConf
from pocket.histograms.one_sided import other_side
from pocket.outputs.merging import merge_outputs
from pocket.plots.statistics import Prediction
from pocket.weights import WeightLambda, WeightWrapper
from tests.pocket.configs import TT, PlainWorkflow, configure, metadata, only, planned

EVENTS = {"x": [0.1, 0.6, 1.1, 1.1], "genWeight": [1.0, 1.0, 1.0, 1.0]}


class Shift(Calibrator):
    """Shifts x; nobody knows how to shift it down."""

    name = "shift"
    has_variations = True
    calibrated_collections = ("x",)
    _variations = ("shiftUp",)

    def calibrate(self, events: Any, original: Any, variation: str, already_applied: Any) -> Mapping[str, Any]:
        return {"x": events.x + 0.5} if variation == "shiftUp" else {"x": events.x}


def shift(symmetrise: Any, *variations: str) -> type[Calibrator]:
    return type("Changed", (Shift,), {"symmetrise": symmetrise, "_variations": variations or ("shiftUp",)})


def weight(symmetrise: Any, result: tuple[Any, ...] = (1.0, 1.5), *variations: str) -> type[WeightWrapper]:
    function = lambda params, metadata, events, size, shape_variation: result  # noqa: E731
    return WeightLambda.wrap_func("size", function, has_variations=True, variations=variations, symmetrise=symmetrise)


def build(*, calibrator: Any = None, size: Any = None) -> Configurator:
    variations = {
        **({"shape": {"common": {"inclusive": ["shift"]}}} if calibrator else {}),
        **({"weights": {"common": {"inclusive": ["size"]}}} if size else {}),
    }
    return configure(
        datasets=only("TT"),
        calibrators=[calibrator] if calibrator else [],
        weights={"common": {"inclusive": ["genWeight", *([size] if size else [])]}},
        variations=variations,
        variables={"x": HistConf([Axis(field="x", bins=2, start=0, stop=2)])},
    )


def merged(config: Configurator) -> dict[str, Any]:
    known = metadata(config, TT)
    return merge_outputs(
        config.merging_plan(), [process_chunk(PlainWorkflow(planned(config)), ak.Array(EVENTS), known)], {TT: known}
    )


def templates(output: dict[str, Any]) -> dict[str, list[float]]:
    histogram = output["variables"]["x"]["TT"][TT]
    return {name: histogram["baseline", name, :].values().tolist() for name in histogram.axes["variation"]}


# of four events two are below 1, one with the shift


@pytest.mark.parametrize(
    ("symmetrise", "down"), [("mirror", [0.75, 0.25]), ({"shift": "mirror"}, [0.75, 0.25]), ("none", [0.5, 0.5])]
)
def test_the_other_side_of_a_shape(symmetrise: Any, down: list[float]) -> None:
    output = merged(build(calibrator=shift(symmetrise)))
    assert templates(output) == {"nominal": [0.5, 0.5], "shiftUp": [0.25, 0.75], "shiftDown": down}
    assert output["sumw"]["baseline"][TT]["TT"] == {"nominal": 1.0, "shiftUp": 1.0, "shiftDown": 1.0}


def test_one_side_down() -> None:
    output = merged(build(calibrator=shift("mirror", "shiftDown")))
    assert list(templates(output)) == ["nominal", "shiftDown", "shiftUp"]


@pytest.mark.parametrize(("symmetrise", "down"), [("mirror", 0.5), ("none", 1.0)])
def test_the_other_side_of_a_weight(symmetrise: str, down: float) -> None:
    output = merged(build(size=weight(symmetrise)))
    assert templates(output) == {"nominal": [0.5, 0.5], "sizeUp": [0.75, 0.75], "sizeDown": [down / 2, down / 2]}
    # of what is mirrored the squares can't be told
    variance = output["variables"]["x"]["TT"][TT]["baseline", "sizeDown", sum].variance
    assert variance == pytest.approx(0.25 * (1.5**2 if symmetrise == "mirror" else 1))


def test_one_of_several_variations_of_a_weight() -> None:
    several = weight({"b": "mirror"}, (1.0, ["a", "b"], [1.5, 1.25], [0.75, None]), "a", "b")
    found = templates(merged(build(size=several)))
    assert {name: sum(values) for name, values in found.items()} == pytest.approx(
        {"nominal": 1, "size_aUp": 1.5, "size_aDown": 0.75, "size_bUp": 1.25, "size_bDown": 0.75}
    )


def test_a_weight_keeps_to_what_it_says() -> None:
    for size, message in (
        (weight("mirror", (1.0, 1.5, 0.5)), "weight 'size' is symmetrised, but returned more than sizeUp"),
        (weight("", (1.0, 1.5)), "did not return all of sizeUp, sizeDown; symmetrise is for those"),
    ):
        with pytest.raises(ConfigError, match=message):
            merged(build(size=size))


@pytest.mark.parametrize(
    ("calibrator", "message"),
    [
        (
            shift(""),
            r"calibrator 'shift' has the variation 'shiftUp' but not 'shiftDown': symmetrise must say .*mirror",
        ),
        (shift("miror"), r"unknown mode 'miror' in symmetrise of calibrator 'shift'.*mirror"),
        (shift({"shfit": "mirror"}), "calibrator 'shift' has the variation 'shiftUp' but not 'shiftDown'"),
        (shift({"shift": "none", "other": "mirror"}), "unknown variation 'other' in symmetrise of calibrator 'shift'"),
        (shift("mirror", "shift"), "calibrator 'shift': variation 'shift' ends in neither 'Up' nor 'Down'"),
    ],
)
def test_what_is_missing_is_told_before_anything_runs(calibrator: type[Calibrator], message: str) -> None:
    config = build(calibrator=calibrator)
    with pytest.raises(ConfigError, match=message):
        _ = config.one_sided
    with pytest.raises(ConfigError, match=f"^configuration 'main': .*{message}"):
        Analysis(name="study", configs={"main": config}, default_config="main")


def test_pairs_are_left_alone() -> None:
    config = build(calibrator=shift("mirror", "shiftUp", "shiftDown"), size=weight("", (1.0, 2.0, 0.5)))
    assert config.one_sided == {}
    histogram = hist.Hist(hist.axis.StrCategory(["nominal", "aUp", "aDown"], name="variation"))
    assert with_both_sides(histogram, {"bUp": "mirror"}) is histogram


@pytest.mark.parametrize("storage", ["double", "weight", "int64"])
def test_histograms_keep_what_they_have(storage: str) -> None:
    axes = [
        hist.axis.StrCategory(["a", "b"], name="cat"),
        hist.axis.StrCategory(["nominal", "sUp"], name="variation"),
        hist.axis.Regular(3, 0, 3, name="x"),
    ]
    histogram = hist.Hist(*axes, storage=storage)
    rng = np.random.default_rng(1)
    for name in ("nominal", "sUp"):
        histogram.fill(cat=rng.choice(["a", "b"], 50), variation=name, x=rng.uniform(-1, 4, 50))
    both = with_both_sides(histogram, {"sUp": "mirror"})
    assert list(both.axes["variation"]) == ["nominal", "sUp", "sDown"]
    values = [both[:, name, :].values(flow=True) for name in ("nominal", "sUp", "sDown")]
    assert (values[2] == 2 * values[0] - values[1]).all()
    for name in ("nominal", "sUp"):
        assert (both[:, name, :].view(flow=True) == histogram[:, name, :].view(flow=True)).all()


def test_plots_have_both_sides() -> None:
    prediction = Prediction.from_hist(
        merged(build(calibrator=shift("mirror")))["variables"]["x"]["TT"][TT]["baseline", ...]
    )
    up, down = prediction.shifts["shift"]
    assert up == pytest.approx(-down)


def test_a_missing_variation_is_nominal() -> None:
    histogram = hist.Hist(hist.axis.StrCategory(["nominal", "aUp"], name="variation"), storage="double")
    histogram.fill(["nominal", "aUp", "aUp"])
    assert with_variations(histogram, ["nominal", "bUp", "aUp"]).values().tolist() == [1, 1, 2]


def test_sums() -> None:
    sums = {"nominal": 2.0, "aUp": 5.0, "bDown": 1.0, "cUp": 1.0, "cDown": 0.0}
    one_sided = {"aUp": "mirror", "bDown": "none"}
    assert with_both_sums(sums, one_sided, squared=False) == {**sums, "aDown": -1.0, "bUp": 2.0}
    assert with_both_sums(sums, one_sided, squared=True) == {**sums, "aDown": 5.0, "bUp": 2.0}
    assert other_side("aDown") == "aUp"
