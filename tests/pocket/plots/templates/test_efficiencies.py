from __future__ import annotations

import dataclasses
import math
from typing import Any

import hist
import numpy as np
import pytest
from matplotlib.patches import StepPatch
from omegaconf import OmegaConf
from scipy.stats import beta, norm

from pocket.errors import HistogramError
from pocket.histograms.combined import Combination
from pocket.histograms.config import Axis, HistConf
from pocket.plots.statistics import Prediction
from pocket.plots.templates.efficiencies import data_efficiency, draw_efficiencies, simulated_efficiency
from tests.pocket.configs import PARAMETERS, configure

TAIL = norm.cdf(-1)
CATEGORIES = ["baseline", "other"]
X = Axis(field="x", bins=5, start=0, stop=5, label="$x$ [GeV]")
PASSING = Axis(field="p", name="passing", type="integer", start=0, stop=2)


def config(*axes: Axis, **style: Any) -> Any:
    parameters = OmegaConf.merge(
        PARAMETERS, {"lumi": {"sqrt_s": {"2018": 13}}, "plotting_style": {"label": "Private work", **style}}
    )
    return configure(parameters=parameters, variables={"v": HistConf(list(axes))}).figure_plan()


def events(seed: int, size: int) -> tuple[Any, Any, Any]:
    """Return x, whether an event passes, and its weight."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-0.5, 4.0, size)
    return x, rng.random(size) < 0.3 + 0.1 * np.clip(x, 0, 4), rng.uniform(0.5, 1.5, size)


def templates() -> dict[str, Any]:
    """Histograms whose category ``other`` is the part of ``baseline`` that passes; the last bin is empty."""
    found = {}
    for sample, seed, size in (("DY", 1, 3000), ("TT", 2, 500), ("DATA", 3, 800)):
        x, passes, weight = events(seed, size)
        is_mc = sample != "DATA"
        axes = [hist.axis.StrCategory(CATEGORIES, name="cat")]
        axes += [hist.axis.StrCategory(["nominal", "pileupUp", "pileupDown"], name="variation")] if is_mc else []
        h = hist.Hist(*axes, hist.axis.Regular(5, 0, 5, name="x"), storage=hist.storage.Weight())
        for category, chosen in (("baseline", np.ones(size, bool)), ("other", passes)):
            for variation, factor in (("nominal", 1.0), ("pileupUp", 1 + 0.1 * x), ("pileupDown", 1 - 0.1 * x)):
                if is_mc:
                    scale = np.broadcast_to(weight * factor, size)[chosen]
                    h.fill(category, variation, x[chosen], weight=scale)
            if not is_mc:
                h.fill(category, x[chosen])
        found[sample] = h
    return found


def test_the_efficiency_of_a_category_agrees_with_plain_loops() -> None:
    ((stem, _, numbers),) = draw_efficiencies(config(X), "v", "other", templates(), total="baseline")
    assert stem == "v_over_baseline"
    x, passes, _ = events(3, 800)
    for i in range(4):
        total = sum(1 for value in x if i <= value < i + 1)
        passed = sum(1 for value, passing in zip(x, passes, strict=True) if i <= value < i + 1 and passing)
        assert numbers["data"]["values"][i] == passed / total
        assert numbers["data"]["low"][i] == pytest.approx(beta.ppf(TAIL, passed, total - passed + 1))
        assert numbers["data"]["high"][i] == pytest.approx(beta.ppf(1 - TAIL, passed + 1, total - passed))
    assert numbers["data"]["values"][4] is None
    both = [np.concatenate(parts) for parts in zip(events(1, 3000), events(2, 500), strict=True)]
    for i in range(4):
        sums = dict.fromkeys(("pass", "all", "pass2", "all2", "pass_up", "all_up"), 0.0)
        for value, passing, weight in zip(*both, strict=True):
            if i <= value < i + 1:
                shifted = weight * (1 + 0.1 * value)
                for kind in ("all", "pass") if passing else ("all",):
                    sums[kind] += weight
                    sums[f"{kind}2"] += weight**2
                    sums[f"{kind}_up"] += shifted
        efficiency = sums["pass"] / sums["all"]
        variance = ((1 - 2 * efficiency) * sums["pass2"] + efficiency**2 * sums["all2"]) / sums["all"] ** 2
        assert numbers["mc"]["values"][i] == pytest.approx(efficiency)
        assert numbers["mc"]["stat"][i] == pytest.approx(math.sqrt(variance))
        assert numbers["mc"]["shifts"]["pileup"]["up"][i] == pytest.approx(
            sums["pass_up"] / sums["all_up"] - efficiency
        )
        assert numbers["ratio"]["values"][i] == pytest.approx(numbers["data"]["values"][i] / efficiency)


def test_an_axis_gives_the_same_as_categories() -> None:
    ((_, _, expected),) = draw_efficiencies(config(X), "v", "other", templates(), total="baseline")
    separated = {}
    for sample, h in templates().items():
        axes = [axis for axis in h.axes if axis.name != "x"]
        passing = hist.axis.Integer(0, 2, name="passing")
        joint = hist.Hist(*axes, passing, h.axes["x"], storage=hist.storage.Weight())
        part = (Ellipsis, slice(None))
        everything, passed = (h.view(flow=True)[CATEGORIES.index(name)] for name in CATEGORIES)
        view: Any = joint.view(flow=True)
        for field in ("value", "variance"):
            view[field][(0, ..., 1, *part[1:])] = everything[field] - passed[field]
            view[field][(0, ..., 2, *part[1:])] = passed[field]
            # Entries outside of the axis belong to neither.
            view[field][(0, ..., 3, *part[1:])] = 7.0
        separated[sample] = joint
    ((stem, _, numbers),) = draw_efficiencies(config(PASSING, X), "v", "baseline", separated, passing_axis="passing")
    assert stem == "v_x"
    for key in ("values", "low", "high"):
        np.testing.assert_allclose(*(np.array(each["data"][key], float) for each in (numbers, expected)))
    for key in ("values", "stat", "syst_up"):
        np.testing.assert_allclose(*(np.array(each["mc"][key], float) for each in (numbers, expected)))


def test_blinded_data_have_no_efficiency() -> None:
    blind = {"categories": ["baseline"], "histograms": {"v": [1.5, 1.8]}}
    cfg = config(X, blind_hists=blind)
    ((_, figure, numbers),) = draw_efficiencies(cfg, "v", "other", templates(), total="baseline")
    assert numbers["data"]["values"][1] is None
    assert numbers["ratio"]["values"][1] is None
    assert numbers["mc"]["values"][1] is not None
    assert "data partly blinded" in [text.get_text() for text in figure.axes[0].texts]


def test_data_of_blind_categories_have_no_efficiency() -> None:
    given = config(X), "v", "other", templates()
    ((_, _, shown),) = draw_efficiencies(*given, total="baseline")
    ((_, figure, hidden),) = draw_efficiencies(*given, total="baseline", blind=True)
    assert "data" in shown
    assert "data" not in hidden
    assert hidden["mc"] == shown["mc"]
    assert "data blinded" in [text.get_text() for text in figure.axes[0].texts]


def test_without_data_or_simulation() -> None:
    given = templates()
    simulation = {name: given[name] for name in ("DY", "TT")}
    ((_, figure, numbers),) = draw_efficiencies(config(X), "v", "other", simulation, total="baseline", blind=True)
    assert "data" not in numbers
    assert "data blinded" not in [text.get_text() for text in figure.axes[0].texts]
    assert list(draw_efficiencies(config(X), "v", "other", {"DATA": given["DATA"]}, total="baseline")) == []


def counts(values: Any, variances: Any = None) -> hist.Hist[Any]:
    h = hist.Hist(hist.axis.Regular(len(values), 0, 1, name="x"), storage=hist.storage.Weight())
    view: Any = h.view()
    view["value"], view["variance"] = values, values if variances is None else variances
    return h


def test_ends_and_empty_bins_of_data() -> None:
    nothing = np.zeros(3, dtype=bool)
    points = data_efficiency(counts([0, 5, 0]), counts([4, 5, 0]), nothing, "v")
    np.testing.assert_array_equal(points.values, [0, 1, np.nan])
    np.testing.assert_allclose(points.low, [0, beta.ppf(TAIL, 5, 1), np.nan])
    np.testing.assert_allclose(points.high, [beta.ppf(1 - TAIL, 1, 4), 1, np.nan])
    with pytest.raises(HistogramError, match="v: more data pass than there are"):
        data_efficiency(counts([5, 5, 0]), counts([4, 5, 0]), nothing, "v")
    # Twice the weight is the same efficiency with the errors of weighted events.
    weighted = data_efficiency(counts([4.0], [8.0]), counts([10.0], [20.0]), nothing[:1], "v")
    assert weighted.values == pytest.approx([0.4])
    assert (weighted.high - weighted.low) / 2 == pytest.approx([math.sqrt(0.4 * 0.6 / 5)])


def test_weights_that_sum_to_less_than_zero_have_no_efficiency() -> None:
    passing = Prediction(np.array([-1.0, 3.0, 2.0]), np.array([1.0, 2.0, 1.0]))
    everything = Prediction(np.array([5.0, 2.0, 4.0]), np.array([3.0, 3.0, 2.0]))
    found = simulated_efficiency(passing, everything)
    np.testing.assert_array_equal(found.values, [np.nan, np.nan, 0.5])
    assert found.stat[2] == pytest.approx(math.sqrt(0.25 * 1 + 0.25 * 1) / 4)


def test_the_axis_has_two_bins() -> None:
    h = hist.Hist(
        hist.axis.StrCategory(CATEGORIES, name="cat"),
        hist.axis.Integer(0, 3, name="passing"),
        hist.axis.Regular(5, 0, 5, name="x"),
    )
    with pytest.raises(HistogramError, match="axis 'passing' has 3 bins, expected two"):
        list(draw_efficiencies(config(PASSING, X), "v", "baseline", {"DY": h}, passing_axis="passing"))


@pytest.mark.parametrize("rule", ["hessian", "replicas", "envelope"])
def test_members_are_combined_as_efficiencies(rule: str) -> None:
    # passing and failing entries of each member move against each other, so the sums of all entries hardly do
    passing = {"nominal": 60.0, "pdf_1": 54.0, "pdf_2": 66.0, "pdf_3": 63.0, "pdf_alphaS": 61.0, "jes": 58.0}
    failing = {"nominal": 40.0, "pdf_1": 46.0, "pdf_2": 35.0, "pdf_3": 38.0, "pdf_alphaS": 38.0, "jes": 43.0}
    names = list(passing)[1:]

    def prediction(counts: dict[str, float]) -> Prediction:
        nominal = np.array([counts["nominal"]])
        return Prediction(nominal, nominal, {name: (counts[name] - nominal, np.zeros(1)) for name in names})

    everything = prediction({name: passing[name] + failing[name] for name in passing})
    combination = Combination("pdf", rule, r"\d+", "alphaS")
    shifts = simulated_efficiency(prediction(passing), everything, [combination]).shifts
    efficiency = {name: passing[name] / (passing[name] + failing[name]) for name in passing}
    moved = [efficiency[f"pdf_{number}"] - efficiency["nominal"] for number in (1, 2, 3)]
    if rule == "hessian":
        expected = [math.sqrt(sum(max(sign * one, 0) ** 2 for one in moved)) for sign in (1, -1)]
    elif rule == "replicas":
        mean = sum(moved) / 3
        expected = [math.sqrt(sum((one - mean) ** 2 for one in moved) / 2)] * 2
    else:
        expected = [max(moved), -min(moved)]
    strong = efficiency["pdf_alphaS"] - efficiency["nominal"]
    assert set(shifts) == {"pdf", "jes"}
    assert shifts["pdf"][0][0] == pytest.approx(math.hypot(expected[0], max(strong, 0)))
    assert shifts["pdf"][1][0] == pytest.approx(-math.hypot(expected[1], max(-strong, 0)))
    assert shifts["jes"][0][0] == pytest.approx(efficiency["jes"] - efficiency["nominal"])


def test_figures_combine_the_efficiencies_of_members() -> None:
    plan = dataclasses.replace(config(X), combinations=(Combination("pdf", "envelope", r"\d+"),))
    axes = [hist.axis.StrCategory(CATEGORIES, name="cat")]
    axes.append(hist.axis.StrCategory(["nominal", "pdf_1Up", "pdf_1Down"], name="variation"))
    h = hist.Hist(*axes, hist.axis.Regular(5, 0, 5, name="x"), storage=hist.storage.Weight())
    for variation, passing, everything in (("nominal", 60, 100), ("pdf_1Up", 54, 108), ("pdf_1Down", 66, 94)):
        for category, number in (("other", passing), ("baseline", everything)):
            h.fill(category, variation, np.full(number, 2.5))
    ((_, _, numbers),) = draw_efficiencies(plan, "v", "other", {"DY": h}, total="baseline")
    assert numbers["mc"]["values"][2] == pytest.approx(0.6)
    assert numbers["mc"]["syst_up"][2] == pytest.approx(66 / 94 - 0.6)
    assert numbers["mc"]["syst_down"][2] == pytest.approx(0.6 - 54 / 108)


def test_the_band_at_one_is_the_interval_below() -> None:
    given = templates()
    for sample in ("DY", "TT"):
        # In the second bin, all entries pass; their weights are worth 100 of them.
        view: Any = given[sample].view(flow=True)
        view["value"][..., 2], view["variance"][..., 2] = 25.0, 12.5
    ((_, figure, numbers),) = draw_efficiencies(config(X), "v", "other", given, total="baseline")
    assert numbers["mc"]["values"][1] == 1.0
    below = 1 - beta.ppf(TAIL, 100, 1)
    assert numbers["mc"]["stat"][1] == pytest.approx(below, rel=1e-6)
    (band,) = (patch for patch in figure.axes[0].patches if isinstance(patch, StepPatch) and patch.get_fill())
    high, _, low = band.get_data()
    assert high[1] == pytest.approx(1.0)
    assert low[1] == pytest.approx(1 - below)
    assert np.nanmax(high) <= 1.0
