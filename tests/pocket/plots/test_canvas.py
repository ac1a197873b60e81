from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

from pocket.plots.canvas import GAP, Box, Period, cms_label, cms_style, new_figure, save_figure


@pytest.mark.parametrize(
    ("lumi", "text"),
    [
        (50.0, "50 $\\mathrm{pb^{-1}}$"),
        (59830.0, "59.8 $\\mathrm{fb^{-1}}$"),
        (137600.0, "138 $\\mathrm{fb^{-1}}$"),
        (2.5, "2.5 $\\mathrm{pb^{-1}}$"),
        (0.04, "0.04 $\\mathrm{pb^{-1}}$"),
    ],
)
def test_luminosity_in_readable_units(lumi: float, text: str) -> None:
    assert Period(lumi, "2018", 13.0).text == f"{text}, 2018 (13 TeV)"
    assert Period(lumi, "2022", 13.6).text.endswith("(13.6 TeV)")
    assert Period(lumi, "2015", None).text == f"{text}, 2015"
    assert Period(None, "2015", None).text == "2015"


@pytest.mark.parametrize("width", [5.0, 7.0, 10.0, 20.0])
def test_the_label_is_written_without_overlap(width: float) -> None:
    with cms_style():
        ax = new_figure(width, 10, 50).add_axes((0.15, 0.3, 0.8, 0.6))
        cms_label(ax, "Private work in progress", data=False, period=Period(137600.0, "2016+2017+2018", 13.0))
        experiment, left, right = (Box.of(text, ax) for text in ax.texts[-3:])
    texts = {text.get_text().replace("\n", " ") for text in ax.texts}
    assert {"CMS", "Simulation Private work in progress"} < texts
    first, second, third = sorted((experiment, left, right), key=lambda box: box.left)
    assert first.right <= second.left
    assert second.right + 0.9 * GAP <= third.left
    # A narrow figure has two lines instead of tiny ones.
    assert any("\n" in text.get_text() for text in ax.texts) == (width < 20)


def test_the_label_leaves_axes_as_they_were() -> None:
    with cms_style():
        figure = new_figure(7, 7, 50)
        shown, hidden, other = figure.add_subplot(), figure.add_subplot(), figure.add_subplot()
        hidden.set_visible(False)
        cms_label(shown, "Private work", data=True, period=Period(1.0, "toys", 13))
    assert [ax.get_visible() for ax in (shown, hidden, other)] == [True, False, True]


def test_files_are_the_same_each_time(tmp_path: Path) -> None:
    def draw(stem: Path) -> list[Path]:
        with cms_style():
            figure = new_figure(3, 3, 50)
            figure.add_subplot().stairs([1, 2], [0, 1, 2], label="$x^2$", hatch="//", fill=True)
        return save_figure(figure, stem, ["pdf", "png", "svg"])

    first, second = draw(tmp_path / "a.b"), draw(tmp_path / "c")
    assert [path.name for path in first] == ["a.b.pdf", "a.b.png", "a.b.svg"]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert all(path.stat().st_size > 1000 for path in first)


def test_global_state_is_untouched() -> None:
    before = dict(mpl.rcParams)
    with cms_style():
        figure = new_figure(3, 3, 50)
        cms_label(figure.add_subplot(), "Private work", data=True, period=Period(1.0, "toys", 13))
    assert dict(mpl.rcParams) == before
    assert plt.get_fignums() == []
