from __future__ import annotations

import gc
import io
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from threading import Thread
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.mathtext import MathTextParser

from pocket.errors import ConfigError
from pocket.plots.axes import PlainNumbers
from pocket.plots.canvas import RC, UNDATED
from pocket.plots.quick_drawing import QuickFigure, shared_formulas, without_collections

HREF = "{http://www.w3.org/1999/xlink}href"


def linear(ax: Axes) -> None:
    ax.plot([0, 5, 9], [1e5, 2.5e5, -1e5], label=r"$\sqrt{s}$")
    ax.xaxis.set_major_formatter(PlainNumbers())
    ax.set_ylabel(r"Events / $10^{3}$", loc="top")
    ax.legend()


def logarithmic(ax: Axes) -> None:
    ax.set(xscale="log", yscale="log", xlim=(3, 4e4), ylim=(1e-7, 2))
    ax.grid(visible=True, which="both", color="green", alpha=0.3)


def named(ax: Axes) -> None:
    ax.set_xticks([0.5, 1.5, 2.5], ["one", r"$\mu\mu$", "three"], rotation=90)
    ax.tick_params(axis="x", which="minor", length=0)
    ax.tick_params(axis="y", which="both", labelright=True, labelleft=False, colors="red", direction="out", pad=12)


def with_minor_labels(ax: Axes) -> None:
    ax.set(xlim=(0, 3), ylim=(0.05, 1), yscale="log")
    ax.xaxis.set_minor_formatter("{x:.1f}")
    ax.yaxis.get_minor_ticks()[1].tick1line.set_color("blue")


def reversed_axes(ax: Axes) -> None:
    ax.set(xlim=(5, -5), ylim=(1, 0), title="reversed")
    ax.xaxis.set_visible(ax.get_subplotspec() is None)


def redrawn(ax: Axes) -> None:
    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.canvas.draw()
    # Ticks are made at the first drawing, and these settings are for them and for those to come.
    ax.tick_params(labelsize=9, width=3, length=20)
    ax.set(xlim=(0, 1e6), ylim=(-3, 40))


ALL = [linear, logarithmic, named, with_minor_labels, reversed_axes, redrawn]


def written(kind: type[Figure], fill: Callable[[Axes], None], extension: str) -> bytes:
    with mpl.rc_context({**RC, "svg.hashsalt": "same"}):
        figure = kind(figsize=(6, 5), dpi=60)
        FigureCanvasAgg(figure)
        left = figure.add_axes((0.15, 0.15, 0.3, 0.7))
        right = figure.add_subplot(1, 2, 2, sharey=left)
        for ax in (left, right):
            fill(ax)
        file = io.BytesIO()
        figure.savefig(file, format=extension, metadata=UNDATED[extension])
    return file.getvalue()


@pytest.mark.parametrize("fill", ALL)
def test_pictures_have_the_same_pixels(fill: Callable[[Axes], None]) -> None:
    expected = written(Figure, fill, "png")
    for _ in range(2):
        with shared_formulas():
            assert written(QuickFigure, fill, "png") == expected


@pytest.mark.parametrize("fill", ALL)
def test_pictures_have_the_same_elements(fill: Callable[[Axes], None]) -> None:
    expected = elements(written(Figure, fill, "svg"))
    assert len(expected) > 50
    assert elements(written(QuickFigure, fill, "svg")) == expected


@pytest.mark.parametrize("fill", [linear, logarithmic, named])
def test_files_are_the_same_without_minor_ticks(fill: Callable[[Axes], None]) -> None:
    def fill_without(ax: Axes) -> None:
        fill(ax)
        ax.minorticks_off()

    expected = written(Figure, fill_without, "pdf")
    with shared_formulas():
        assert written(QuickFigure, fill_without, "pdf") == expected


def elements(svg: bytes) -> list[str]:
    """Return what a picture draws and where, in no order and without its groups."""
    root = ElementTree.fromstring(svg)
    named = {f"#{each.get('id')}": each for each in root.iter() if each.get("id")}
    found = []

    def visit(element: Any, around: tuple[str, ...]) -> None:
        look = {key: value for key, value in element.attrib.items() if key != "id"}
        if (target := look.pop(HREF, None)) is not None:
            # The names of markers and glyphs depend on what was drawn before.
            look["shape"] = str({key: value for key, value in named[target].attrib.items() if key != "id"})
        here = (*around, str(sorted(look.items()))) if look else around
        for child in element:
            visit(child, here)
        if not len(element):
            found.append(" ".join((element.tag, *here)))

    for child in root:
        if not child.tag.endswith(("defs", "metadata")):
            visit(child, ())
    return sorted(each for each in found if not each.endswith("}g"))


def test_ticks_are_independent() -> None:
    ax = QuickFigure().add_subplot()
    ax.set_xlim(0, 10)
    first, *others = ax.xaxis.get_major_ticks()
    others[2].label1.set_text("third")
    others[2].tick1line.set_color("red")
    assert first.label1.get_text() != "third"
    assert first.tick1line.get_color() != "red"
    assert [tick.get_loc() for tick in ax.xaxis.get_major_ticks(3)] == [0, 0, 0]
    ax.minorticks_on()
    assert len(ax.xaxis.get_minor_ticks()) == len(ax.xaxis.get_minorticklocs()) > 10


def test_axes_of_another_kind_stay_what_they_are() -> None:
    figure = QuickFigure()
    assert figure.add_subplot(projection="polar").name == "polar"
    assert figure.add_axes((0, 0, 1, 1), polar=True).name == "polar"

    class Own(Axes):
        pass

    assert type(figure.add_subplot(axes_class=Own)) is Own


def test_formulas_depend_on_the_settings() -> None:
    def width(fontset: str, size: float = 12) -> float:
        with mpl.rc_context({"mathtext.fontset": fontset, "font.size": size}):
            return float(MathTextParser("path").parse("$W^{2}$")[0])

    expected = [width("cm"), width("stix"), width("cm", 24)]
    assert len(set(expected)) == 3
    with shared_formulas():
        assert [width("cm"), width("stix"), width("cm", 24)] == expected
        assert [width("cm"), width("stix"), width("cm", 24)] == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [(r"$Z/\gama$", r"Unknown symbol: \gama, found '\'"), (r"$p_T^{\mu$", "Expected end_group, found end of text")],
)
def test_text_that_is_no_formula_is_named(text: str, reason: str) -> None:
    with shared_formulas(), pytest.raises(ConfigError) as caught:
        MathTextParser("path").parse(text)
    assert str(caught.value) == f"matplotlib can't draw the text '{text}' of a plot: {reason}"


def test_formulas_are_shared_in_blocks_and_in_a_thread_only() -> None:
    found = []

    def parse() -> None:
        found.append(MathTextParser("path").parse(r"$\gamma$"))

    with shared_formulas():
        parse()
        parse()
        (thread := Thread(target=parse)).start()
        thread.join()
    parse()
    assert found[0] is found[1]
    assert found[2] is not found[0]
    assert found[3] is not found[0]


@pytest.mark.parametrize("fails", [False, True])
def test_matplotlib_is_as_before_afterwards(fails: bool) -> None:
    before = MathTextParser.parse
    with pytest.raises(ZeroDivisionError) if fails else nullcontext(), shared_formulas(), shared_formulas():
        1 / (not fails)
    assert MathTextParser.parse is before


@pytest.mark.parametrize("enabled", [True, False])
def test_collection_of_garbage_is_as_before_afterwards(enabled: bool) -> None:
    before = gc.isenabled()
    try:
        (gc.enable if enabled else gc.disable)()
        with without_collections():
            assert not gc.isenabled()
        assert gc.isenabled() == enabled
    finally:
        (gc.enable if before else gc.disable)()


def test_numbers_of_formulas_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    from pocket.plots import quick_drawing

    monkeypatch.setattr(quick_drawing, "_known", known := {})
    monkeypatch.setattr(quick_drawing, "_MOST_KNOWN", 3)
    with shared_formulas():
        for number in range(10):
            MathTextParser("path").parse(f"$x_{number}$")
            assert len(known) <= 3


def test_png_has_all_pixels(tmp_path: Path) -> None:
    from PIL import Image

    from pocket.plots.canvas import new_figure, save_figure

    figure = new_figure(3, 2, 50)
    figure.add_subplot().plot([1, 2])
    (path,) = save_figure(figure, tmp_path / "a", ["png"])
    with Image.open(path) as image:
        assert np.array_equal(np.asarray(image), np.asarray(figure.canvas.buffer_rgba()))  # type: ignore[attr-defined]
