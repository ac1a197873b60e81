"""Plots of results in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from pocket.errors import ConfigError, UnknownNameError
from pocket.histograms.config import Axis, HistConf
from pocket.interactive import Result, plot, process
from tests.pocket.configs import DATA, TT, configure
from tests.pocket.engine.root_files import write_nano

X = Axis(field="x", bins=4, start=0, stop=2)


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    folder = tmp_path_factory.mktemp("files")
    files = {}
    for seed, dataset in enumerate((TT, DATA)):
        files[dataset] = folder / f"{dataset}.root"
        write_nano(files[dataset], 60, seed)
    two = HistConf([X, Axis(field="genWeight", name="w", bins=3, start=-1, stop=3)])
    config = configure(variables={"x": HistConf([X]), "two": two}, weights={"common": {"inclusive": ["genWeight"]}})
    return process(config, files)


def test_plot_shows_and_saves(result: Result, tmp_path: Path) -> None:
    drawing = plot(result, "x", "baseline")
    assert isinstance(drawing.figure, Figure)
    assert repr(drawing) == "Drawing of 'x' in 'baseline': .save('x.pdf') writes it"
    for suffix, magic in {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}.items():
        assert drawing.save(tmp_path / f"x.{suffix}").read_bytes().startswith(magic)
    assert drawing._repr_png_().startswith(b"\x89PNG")
    with pytest.raises(UnknownNameError, match=r"unknown format 'pgn' in the name of .*, did you mean 'png'"):
        drawing.save(tmp_path / "x.pgn")
    # histograms keep the labels that they had
    again = plot(result, "x", "baseline")
    assert again.numbers == drawing.numbers


def test_axis_of_a_histogram_with_several(result: Result) -> None:
    with pytest.raises(ConfigError, match="histogram 'two' has several axes: give axis=, one of x, w"):
        plot(result, "two", "baseline")
    one, other = (plot(result, "two", "baseline", axis=axis).numbers for axis in ("x", "w"))
    assert one != other
    with pytest.raises(UnknownNameError, match="unknown axis 'y' in histogram 'two'"):
        plot(result, "two", "baseline", axis="y")


def test_map_and_shapes(result: Result) -> None:
    drawing = plot(result, "two", "baseline", kind="map")
    assert drawing.numbers["shape"][1] >= 3
    density, usual = (plot(result, "x", "baseline", kind=kind) for kind in ("density", "data_mc"))
    assert density.numbers["axis"] == usual.numbers["axis"]
    with pytest.raises(ConfigError, match="plot 'map' shows two axes, and histogram 'x' has 1"):
        plot(result, "x", "baseline", kind="map")


def test_plot_of_ones_own(result: Result) -> None:
    def shape(context: Any) -> tuple[Figure, dict[str, Any]] | None:
        return (Figure(), {"category": context.category}) if context.histogram == "x" else None

    assert plot(result, "x", "baseline", kind=shape).numbers == {"category": "baseline"}
    with pytest.raises(ConfigError, match="plot 'shape' of 'two' in 'baseline' has nothing to draw"):
        plot(result, "two", "baseline", axis="w", kind=shape)
    with pytest.raises(UnknownNameError, match="unknown plot 'data_mcc' in kind, did you mean 'data_mc'"):
        plot(result, "x", "baseline", kind="data_mcc")


def test_data_alone(tmp_path: Path) -> None:
    write_nano(tmp_path / "data.root", 20)
    data = process(configure(variables={"x": HistConf([X])}), {DATA: tmp_path / "data.root"})
    with pytest.raises(ConfigError, match="plot 'data_mc' needs simulation, and 'x' has only data: process files"):
        plot(data, "x", "baseline")


def test_before_and_after(result: Result) -> None:
    assert plot(result, "x", "baseline", before=result).numbers != plot(result, "x", "baseline").numbers


def test_wrong_templates(result: Result) -> None:
    config = result.config
    with pytest.raises(UnknownNameError, match="unknown histogram 'y' in the configuration"):
        plot(result, "y", "baseline")
    with pytest.raises(ConfigError, match="histogram 'x' has no axis 'samples'"):
        plot({"x": result.histograms["x"][{"samples": "TT"}]}, "x", "baseline", config=config)
    with pytest.raises(UnknownNameError, match="unknown histogram 'x' in the templates; known: two"):
        plot({"two": result.histograms["two"]}, "x", "baseline", config=config)
