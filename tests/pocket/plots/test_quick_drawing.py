from __future__ import annotations

import gc
import io
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from threading import Thread

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.mathtext import MathTextParser

from pocket.plots.axes import PlainNumbers
from pocket.plots.canvas import RC, UNDATED
from pocket.plots.quick_drawing import QuickFigure, shared_formulas, without_collections


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


def redrawn(ax: Axes) -> None:
    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.canvas.draw()
    # Ticks are made at the first drawing, and these settings are for them and for those to come.
    ax.tick_params(labelsize=9, width=3, length=20)
    ax.set(xlim=(0, 1e6), ylim=(-3, 40))


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


@pytest.mark.parametrize("extension", ["pdf", "png", "svg"])
@pytest.mark.parametrize("fill", [linear, logarithmic, named, redrawn])
def test_pictures_are_the_same(fill: Callable[[Axes], None], extension: str) -> None:
    expected = written(Figure, fill, extension)
    for _ in range(2):
        with shared_formulas():
            assert written(QuickFigure, fill, extension) == expected


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
