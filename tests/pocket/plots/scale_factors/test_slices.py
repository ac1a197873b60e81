from __future__ import annotations

import numpy as np
import pytest

from pocket.plots.scale_factors.slices import Page, bins_text, drawn_axis, intervals, range_text, slice_pages, split
from pocket.plots.style import PlotStyle
from pocket.scale_factors.measurement.binning import Categories
from pocket.scale_factors.measurement.result import ScaleFactorResult
from tests.pocket.plots.results import ABSETA, LABELS, PT, YEARS, result_of

STYLE = PlotStyle(labels_mc={"TT": r"$t\bar{t}$"})


def pages(result: ScaleFactorResult) -> list[Page]:
    return slice_pages(result, LABELS, STYLE)


def titles(page: Page) -> list[str]:
    return [one.part.title for one in page.slices]


@pytest.mark.parametrize(
    ("label", "low", "high", "text"),
    [
        ("$p_T$ [GeV]", 20, 25, "20 < $p_T$ < 25 GeV"),
        ("$p_T$ [GeV]", 60, float("inf"), "$p_T$ > 60 GeV"),
        ("$p_T$ [GeV]", -float("inf"), 60, "$p_T$ < 60 GeV"),
        ("eta", -2.4, -1.2, "-2.4 < eta < -1.2"),
    ],
)
def test_ranges_in_words(label: str, low: float, high: float, text: str) -> None:
    assert range_text(label, low, high) == text


def test_categories_in_words() -> None:
    assert bins_text(Categories(("TT", "DY")), "sample", [0, 1], STYLE) == r"$t\bar{t}$ + DY"
    assert bins_text(Categories((0, 4, 5)), "Jet flavour", [2], STYLE) == "Jet flavour 5"
    assert bins_text(PT, "$p_T$ [GeV]", [1, 2], STYLE) == "30 < $p_T$ < 100 GeV"


def test_a_slice_for_each_bin_of_the_other_axes() -> None:
    result = result_of({"pt": PT, "abseta": ABSETA})
    (page,) = pages(result)
    assert page.stem == ""
    assert titles(page) == [r"0 < $|\eta|$ < 1.2", r"1.2 < $|\eta|$ < 2.4"]
    for number, one in enumerate(page.slices):
        assert one.binning.edges.tolist() == list(PT)
        np.testing.assert_array_equal(one.pick(result.scale_factor.value), result.scale_factor.value[:, number])
        assert not one.shared.any()


def test_joined_bins_are_one() -> None:
    # the last two bins of pt in the first bin of eta; the first bin of pt in both bins of eta
    result = result_of({"pt": PT, "abseta": ABSETA}, groups=[[0, 0], [1, 2], [1, 3]])
    first, second = pages(result)[0].slices
    assert first.binning.edges.tolist() == [20, 30, 100]
    assert first.pick(result.groups).tolist() == [0, 1]
    assert first.shared.tolist() == [True, False]
    assert second.pick(result.groups).tolist() == [0, 2, 3]
    assert second.shared.tolist() == [True, False, False]


def test_slices_that_are_joined_altogether_are_one() -> None:
    (page,) = pages(result_of({"pt": PT, "abseta": (0.0, 1.2, 2.0, 2.4)}, groups=[[0, 0, 1], [2, 2, 3], [4, 4, 5]]))
    assert titles(page) == [r"0 < $|\eta|$ < 2", r"2 < $|\eta|$ < 2.4"]
    assert not any(one.shared.any() for one in page.slices)


def test_categories_have_pages_of_their_own() -> None:
    result = result_of({"year": YEARS, "pt": PT, "flavour": Categories((0, 5)), "abseta": ABSETA})
    assert [page.stem for page in pages(result)] == ["2017_0", "2017_5", "2018_0", "2018_5"]
    assert titles(pages(result)[3]) == [
        r"2018, Jet flavour 5, 0 < $|\eta|$ < 1.2",
        r"2018, Jet flavour 5, 1.2 < $|\eta|$ < 2.4",
    ]


def test_categories_may_be_the_last_axis() -> None:
    result = result_of({"pt": PT, "abseta": ABSETA, "flavour": Categories((0, 5))})
    assert [(page.stem, titles(page)) for page in pages(result)] == [
        (str(flavour), [f"{eta}, Jet flavour {flavour}" for eta in (r"0 < $|\eta|$ < 1.2", r"1.2 < $|\eta|$ < 2.4")])
        for flavour in (0, 5)
    ]


def test_categories_of_one_slice_share_a_page() -> None:
    (page,) = pages(result_of({"year": YEARS, "pt": PT}))
    assert (page.stem, titles(page)) == ("", ["2017", "2018"])


def test_samples_that_were_measured_together_are_drawn_once() -> None:
    result = result_of(
        {"sample": Categories(("TT", "DY/low", "ST")), "pt": PT}, groups=[[0, 1, 2], [3, 4, 5], [0, 1, 2]]
    )
    (page,) = pages(result)
    assert titles(page) == [r"$t\bar{t}$ + ST", "DY/low"]
    assert [one.part.stem for one in page.slices] == ["TT", "DY-low"]
    assert not page.slices[0].shared.any()


def test_many_slices_fill_several_pages() -> None:
    result = result_of({"pt": PT, "eta": tuple(np.linspace(-2.4, 2.4, 21).tolist())})
    assert [(page.stem, len(page.slices)) for page in pages(result)] == [("01", 9), ("02", 9), ("03", 2)]


def test_categories_are_drawn_along_if_there_is_nothing_else() -> None:
    axes = {"year": YEARS, "flavour": Categories((0, 4, 5))}
    (page,) = pages(result_of(axes))
    assert titles(page) == ["2017", "2018"]
    assert page.slices[0].binning.names == ("0", "4", "5")
    assert intervals(axes) == {}


def test_everything_is_one_part_without_axes_to_split() -> None:
    (part,) = split(result_of({"pt": PT}), [], LABELS, STYLE)
    assert (part.title, part.stem) == ("", "")


def test_axis_is_the_same_whatever_is_joined() -> None:
    edges = (20.0, 30.0, 60.0, float("inf"))
    apart, together = (drawn_axis(edges, "pt [GeV]", np.array(starts)) for starts in ([0, 1, 2], [0, 1]))
    assert apart.edges.tolist() == [20, 30, 60, 90]
    assert together.edges.tolist() == [20, 30, 90]
    assert together.label == "pt [GeV], open-ended"


@pytest.mark.parametrize(("edges", "log"), [((20.0, 500.0), True), ((20.0, 300.0), False), ((0.0, 500.0), False)])
def test_wide_axes_are_logarithmic(edges: tuple[float, ...], log: bool) -> None:
    assert drawn_axis(edges, "pt", np.zeros(1, dtype=np.int64)).log is log
