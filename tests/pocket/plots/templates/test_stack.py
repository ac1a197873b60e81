from __future__ import annotations

import json
from typing import Any

import hist
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch

from pocket.errors import HistogramError
from pocket.plots.statistics import garwood_interval
from pocket.plots.style import PlotStyle
from pocket.plots.templates.stack import draw
from tests.pocket.plots.zmumu import VARIATIONS, counts, drawn, template, z_peak


def legend_texts(figure: Figure) -> list[str]:
    legend = figure.axes[0].get_legend()
    assert legend is not None
    return [text.get_text() for text in legend.get_texts()]


def data_points(figure: Figure, panel: int) -> np.ndarray[Any, Any]:
    (container,) = (part for part in figure.axes[panel].containers if isinstance(part, ErrorbarContainer))
    return np.asarray(container[0].get_ydata())


def test_the_figure_says_what_it_shows() -> None:
    data, mc = z_peak()
    style = PlotStyle(labels_mc={"DYJetsToMuMu": "Drell-Yan"}, signal_samples={"TTToSemiLeptonic": 10})
    figure, numbers = drawn(draw, data, mc, style)
    main, ratio = figure.axes
    texts = [text.get_text() for text in main.texts]
    assert {"CMS", "Private work", "z_window", r"50 $\mathrm{pb^{-1}}$, toys (13 TeV)"} <= set(texts)
    assert any(text.startswith(r"$\chi^2$/ndf = ") for text in texts)
    assert legend_texts(figure) == [
        "Data",
        "Drell-Yan",
        "TTToSemiLeptonic",
        "WJetsToLNu",
        r"TTToSemiLeptonic $\times$ 10",
        "MC stat.",
        r"MC stat. $\oplus$ syst.",
    ]
    assert (main.get_ylabel(), ratio.get_ylabel(), ratio.get_xlabel()) == (
        "Events / 2 GeV",
        "Data / MC",
        r"$m_{\mu\mu}$ [GeV]",
    )
    assert main.get_xlim() == ratio.get_xlim() == (66, 116)
    assert main.get_position().x0 == ratio.get_position().x0
    assert len([patch for patch in ratio.patches if isinstance(patch, StepPatch) and patch.get_hatch()]) == 2
    json.dumps(numbers, allow_nan=False)
    assert plt.get_fignums() == []


def test_numbers_against_sums_by_hand() -> None:
    data, mc = z_peak()
    figure, numbers = drawn(draw, data, mc, PlotStyle())
    nominal = sum(h[{"variation": "nominal"}].values() for h in mc.values())
    variances = sum(h[{"variation": "nominal"}].variances() for h in mc.values())
    assert numbers["mc"]["values"] == pytest.approx(nominal)
    assert numbers["mc"]["stat"] == pytest.approx(np.sqrt(variances))
    up, down = np.zeros(25), np.zeros(25)
    for source in ("pileup", "sf_mu_id"):
        shifts = [
            sum(h[{"variation": source + side}].values() for h in mc.values()) - nominal for side in ("Up", "Down")
        ]
        up += np.maximum(np.max(shifts, axis=0), 0) ** 2
        down += np.minimum(np.min(shifts, axis=0), 0) ** 2
    assert numbers["mc"]["syst_up"] == pytest.approx(np.sqrt(up))
    assert numbers["mc"]["syst_down"] == pytest.approx(np.sqrt(down))
    assert list(numbers["mc"]["shifts"]) == [name.removesuffix("Up") for name in VARIATIONS[1::2]]
    assert numbers["processes"]["WJetsToLNu"]["values"] == pytest.approx(
        mc["WJetsToLNu"][{"variation": "nominal"}].values()
    )
    low, high = garwood_interval(data.values(), data.values())
    assert numbers["data"]["low"] == pytest.approx(low)
    assert numbers["data"]["high"] == pytest.approx(high)
    assert numbers["comparison"]["data_yield"] == data.values().sum()
    assert numbers["comparison"]["mc_yield"] == pytest.approx(nominal.sum())
    assert data_points(figure, 0) == pytest.approx(data.values())
    assert data_points(figure, 1) == pytest.approx(data.values() / nominal)


def test_the_stack_ends_at_the_sum() -> None:
    data, mc = z_peak()
    figure, numbers = drawn(draw, data, mc, PlotStyle())
    filled = [patch for patch in figure.axes[0].patches if isinstance(patch, StepPatch) and not patch.get_hatch()]
    tops = [np.asarray(patch.get_data().values) for patch in filled]
    bases = [np.asarray(patch.get_data().baseline) for patch in filled]
    assert tops[-1] == pytest.approx(numbers["mc"]["values"])
    assert bases[0] == pytest.approx(0)
    assert bases[1] == pytest.approx(tops[0])
    # the last one drawn is the largest
    assert tops[-1] - bases[-1] == pytest.approx(numbers["processes"]["DYJetsToMuMu"]["values"])


def test_bands_of_both_panels() -> None:
    mc = {"A": template([100.0, 50.0], [16.0, 9.0], pu=([3.0, -4.0], [-3.0, 4.0]))}
    figure, _ = drawn(draw, counts([100.0, 50.0]), mc, PlotStyle())
    for axes, scale, center in ((figure.axes[0], 1, [100.0, 50.0]), (figure.axes[1], [100.0, 50.0], [1.0, 1.0])):
        hatched = [patch for patch in axes.patches if isinstance(patch, StepPatch) and patch.get_hatch()]
        stat, total = (np.asarray(patch.get_data().values) - center for patch in hatched)
        assert stat * scale == pytest.approx([4.0, 3.0])
        assert total * scale == pytest.approx([5.0, 5.0])


def test_blinded_data_are_nowhere() -> None:
    data, mc = z_peak()
    blind = {"categories": ["z_window"], "histograms": {"mll": [86.0, 96.0]}}
    style = PlotStyle.from_parameters({"blind_hists": blind})
    figure, numbers = drawn(draw, data, mc, style)
    hidden = np.isnan(data_points(figure, 0))
    assert hidden.tolist() == [10 <= number < 15 for number in range(25)]
    assert (np.isnan(data_points(figure, 1)) == hidden).all()
    assert [value is None for value in numbers["data"]["values"]] == hidden.tolist()
    assert numbers["comparison"]["data_yield"] == data.values()[~hidden].sum()
    assert "data partly blinded" in [text.get_text() for text in figure.axes[0].texts]


def test_bins_open_to_infinity_are_hidden_by_ranges_beyond_where_they_are_drawn() -> None:
    variation = hist.axis.StrCategory(["nominal"], name="variation")
    mass = hist.axis.Variable([0.0, 100.0, 200.0, np.inf], name="m", label="m [GeV]")
    data, mc = hist.Hist(mass, storage="weight"), hist.Hist(variation, mass, storage="weight")
    values = np.array([50.0, 50.0, 150.0, 700.0])
    data.fill(values)
    mc.fill(variation="nominal", m=np.repeat(values, 20), weight=0.05)
    blind = {"categories": ["z_window"], "histograms": {"mll": [500.0, 1000.0]}}
    _, numbers = drawn(draw, data, {"A": mc}, PlotStyle.from_parameters({"blind_hists": blind}))
    assert numbers["edges"] == [0.0, 100.0, 200.0, 300.0]
    assert numbers["data"]["values"] == [2.0, 1.0, None]
    assert numbers["comparison"]["data_yield"] == 3.0


def test_simulation_alone() -> None:
    _, mc = z_peak()
    figure, numbers = drawn(draw, None, mc, PlotStyle())
    assert "Simulation Private work" in [text.get_text() for text in figure.axes[0].texts]
    assert "Data" not in legend_texts(figure)
    assert "comparison" not in numbers
    assert figure.axes[1].get_ylabel() == "Rel. unc."


def test_logarithmic_scale_and_range() -> None:
    data, mc = z_peak()
    figure, _ = drawn(draw, data, mc, PlotStyle(log_histograms=["ml*"]), xlim=(76, 106))
    assert figure.axes[0].get_yscale() == "log"
    assert figure.axes[0].get_xlim() == figure.axes[1].get_xlim() == (76, 106)


@pytest.mark.parametrize("log", [[], ["*"]])
@pytest.mark.parametrize(
    ("observed", "expected"),
    [([0.0, 0.0], [0.0, 0.0]), ([3.0, 0.0], [-1.0, -2.0]), ([5.0], [4.0]), ([0.0], [0.0]), ([7.0, 9.0], [-2.0, 12.0])],
)
def test_empty_negative_and_single_bins(observed: list[float], expected: list[float], log: list[str]) -> None:
    mc = {"A": template(expected, np.abs(expected)), "B": template(np.zeros(len(expected)), np.zeros(len(expected)))}
    style = PlotStyle(log_histograms=log, signal_samples={"A": 2})
    figure, numbers = drawn(draw, counts(observed), mc, style)
    figure.canvas.draw()
    json.dumps(numbers, allow_nan=False)
    assert numbers["mc"]["values"] == expected


def test_wrong_histograms_are_refused() -> None:
    with pytest.raises(HistogramError, match="mll: data and A have different bins"):
        drawn(draw, counts([1.0, 2.0]), {"A": template([1.0], [1.0])}, PlotStyle())
    assert drawn(draw, counts([1.0]), {}, PlotStyle()) is None


def test_looks_of_pocketcoffea() -> None:
    data, mc = z_peak()
    style = PlotStyle.from_parameters(
        {
            "fontsize": 22,
            "fontsize_legend": 18,
            "opts_figure": {"datamc_ratio": {"figsize": [12, 9], "gridspec_kw": {"height_ratios": [3, 1]}}},
            "opts_data": {"color": "blue", "marker": "s", "markersize": 5.0, "elinewidth": 1, "label": "Collisions"},
            "opts_unc": {"total": {"color": [0.0, 0.0, 1.0, 0.4], "hatch": "xx"}},
            "opts_sig": {"linestyle": "dashed", "linewidth": 1},
            "opts_ylim": {"datamc": {"ylim_log": {"lo": 0.5, "hi": "1e7"}}},
            "log_histograms": ["mll"],
            "signal_samples": {"TTToSemiLeptonic": 10},
        }
    )
    figure, _ = drawn(draw, data, mc, style)
    main, ratio = figure.axes
    assert figure.get_size_inches().tolist() == [12, 9]
    assert main.get_position().height == pytest.approx(3 * ratio.get_position().height, rel=1e-4)
    assert (main.get_yscale(), main.get_ylim()) == ("log", (0.5, 1e7))
    legend = main.get_legend()
    assert legend is not None
    assert [text.get_fontsize() for text in legend.get_texts()] == [18.0] * len(legend.get_texts())
    assert legend_texts(figure)[0] == "Collisions"
    for panel in (main, ratio):
        (points,) = (part for part in panel.containers if isinstance(part, ErrorbarContainer))
        assert (points[0].get_color(), points[0].get_marker(), points[0].get_markersize()) == ("blue", "s", 5.0)
        bands = [patch for patch in panel.patches if isinstance(patch, StepPatch) and patch.get_hatch() == "xx"]
        assert [band.get_edgecolor() for band in bands] == [(0.0, 0.0, 1.0, 0.4)]
    (signal,) = (patch for patch in main.patches if isinstance(patch, StepPatch) and patch.get_linestyle() == "dashed")
    assert signal.get_linewidth() == 1


def test_simulation_beside_each_other() -> None:
    data, mc = z_peak()
    figure, _ = drawn(draw, data, mc, PlotStyle(opts_mc={"histtype": "step", "stack": False}))
    lines = [patch for patch in figure.axes[0].patches if isinstance(patch, StepPatch) and not patch.get_hatch()]
    heights = sorted(float(line.get_data().values.sum()) for line in lines)
    assert heights == pytest.approx(sorted(float(h[{"variation": "nominal"}].values().sum()) for h in mc.values()))
