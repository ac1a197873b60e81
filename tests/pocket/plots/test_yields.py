from __future__ import annotations

from typing import Any

import hist
import numpy as np
import pytest
from omegaconf import OmegaConf

from pocket.errors import ConfigError
from pocket.plots.yields import Yield, _whole, as_table, counted_by, yields_of
from tests.pocket.configs import PARAMETERS, configure

YIELDS = [
    Yield("sr", "tt", 1234.2, 3.2, (61.0, 58.0)),
    Yield("sr", "W_jets", 10.64, 3.31),
    Yield("sr", "data", 1250.0, 35.4),
    Yield("cr", "tt", 5.0, 0.04, (0.5, 0.25)),
    Yield("cr", "data", None, 0.0),
]


def test_tables_have_as_many_digits_as_errors() -> None:
    lines = as_table(YIELDS, "text").splitlines()
    assert lines[0].split() == ["process", "sr", "cr"]
    assert "1234 ± 3 (stat) +61 −58 (syst)" in lines[1]
    assert "5.00 ± 0.04 (stat) +0.50 −0.25 (syst)" in lines[1]
    assert lines[2].split() == ["W_jets", "10.6", "±", "3.3", "–"]
    assert lines[3].split() == ["data", "1250", "blinded"]


def test_negative_yields_have_a_minus_sign() -> None:
    negative = [Yield("sr", "tt", -1.2, 1.2, (0.1, 0.04))]
    assert as_table(negative, "text").splitlines()[1] == "tt       −1.2 ± 1.2 (stat) +0.1 −0.0 (syst)"
    assert "$-1.2 " in as_table(negative, "tex")


def test_markdown_and_latex_have_a_row_for_each_process() -> None:
    assert as_table(YIELDS, "md").splitlines()[1:3] == [
        "|---|---|---|",
        "| tt | 1234 ± 3 (stat) +61 −58 (syst) | 5.00 ± 0.04 (stat) +0.50 −0.25 (syst) |",
    ]
    latex = as_table(YIELDS, "tex").splitlines()
    assert latex[0] == r"\begin{tabular}{lrr}"
    assert latex[5] == r"W\_jets & $10.6 \pm 3.3$ & – \\"
    assert latex[-2:] == [r"\bottomrule", r"\end{tabular}"]


def test_rows_have_all_digits() -> None:
    assert YIELDS[0].row() == {
        "category": "sr", "process": "tt", "yield": 1234.2, "stat": 3.2, "syst_up": 61.0, "syst_down": 58.0,
    }  # fmt: skip
    assert YIELDS[-1].row()["yield"] is None


def test_yields_are_counted_with_all_samples() -> None:
    def one(*values: float) -> hist.Hist[Any]:
        axes = hist.axis.StrCategory(["sr"], name="cat"), hist.axis.Regular(2, 0, 1, name="x")
        return hist.Hist(*axes, storage="weight").fill(cat="sr", x=list(values))

    sums = {"d": {name: {"nominal": 2.0} for name in ("DY", "TT", "DATA")}}
    every = {name: one(0.1, 0.2) for name in ("DY", "TT", "DATA")}
    signal = {"DY": one(0.1, 0.2)}
    twice = {name: one(0.1, 0.2, 0.3) for name in every}
    assert counted_by(sums, {"signal": signal, "twice": twice, "all": every, "later": every}, "sr") == "all"
    assert counted_by(sums, {"signal": signal, "twice": twice}, "sr") == "signal"
    with pytest.raises(ConfigError, match="don't have one entry for each event"):
        counted_by(sums, {"twice": twice}, "sr")


@pytest.mark.parametrize("first", ["variation", "x"])
def test_flow_bins_count(first: str) -> None:
    variation = hist.axis.StrCategory(["nominal", "upUp", "upDown"], name="variation")
    x = hist.axis.Regular(4, 0, 1, name="x")
    filled = hist.Hist(*((variation, x) if first == "variation" else (x, variation)), storage="weight")
    rng = np.random.default_rng(3)
    values, weights = rng.normal(0.5, 1, size=500), rng.uniform(0.5, 2, size=500)
    for name, factor in (("nominal", 1.0), ("upUp", 1.1), ("upDown", 0.8)):
        filled.fill(variation=name, x=values, weight=factor * weights)
    whole = _whole(filled)
    assert whole.axes.name == ("variation", "all")
    np.testing.assert_allclose(whole.values().ravel(), weights.sum() * np.array([1.0, 1.1, 0.8]))
    np.testing.assert_allclose(whole.variances().ravel(), (weights**2).sum() * np.array([1.0, 1.1, 0.8]) ** 2)


def test_histograms_without_variations_count_too() -> None:
    filled = hist.Hist(hist.axis.Regular(4, 0, 1, name="x"), storage="weight")
    filled.fill([-1, 0.5, 2], weight=[1, 2, 3])
    assert _whole(filled).values().tolist() == [6.0]


@pytest.mark.parametrize("weights", [np.ones(7), np.linspace(-0.5, 2, 7)])
def test_the_error_of_data_is_of_their_weights(weights: np.ndarray) -> None:
    category = hist.axis.StrCategory(["baseline"], name="cat")
    filled = hist.Hist(category, hist.axis.Regular(4, 0, 2, name="x"), storage="weight")
    filled.fill(cat="baseline", x=np.linspace(-0.1, 2.1, 7), weight=weights)
    (data,) = yields_of(configure().figure_plan(), "x", "baseline", {"DATA": filled})
    assert (data.process, data.value) == ("data", pytest.approx(sum(weights)))
    assert data.stat == pytest.approx(sum(weight**2 for weight in weights) ** 0.5)


@pytest.mark.parametrize(("blinded", "overflow"), [([1.5, 1.8], True), ([3.0, 4.0], True), ([3.0, 4.0], False)])
def test_data_in_the_overflow_are_blinded_too(blinded: list[float], overflow: bool) -> None:
    category = hist.axis.StrCategory(["baseline"], name="cat")
    filled = hist.Hist(category, hist.axis.Regular(4, 0, 2, name="x", overflow=overflow), storage="weight")
    filled.fill(cat="baseline", x=[0.5, 1.7, 3.5])
    style = {"plotting_style": {"blind_hists": {"categories": ["baseline"], "histograms": {"x": blinded}}}}
    plan = configure(parameters=OmegaConf.merge(PARAMETERS, style)).figure_plan()
    (data,) = yields_of(plan, "x", "baseline", {"DATA": filled})
    assert (data.value, data.stat) == ((None, 0.0) if overflow or blinded[0] < 2 else (2.0, 2**0.5))
