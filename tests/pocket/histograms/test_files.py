from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import hist
import numpy as np
import pytest

from pocket.engine.chunk import empty_output
from pocket.errors import HistogramError, UnknownNameError
from pocket.histograms.axes import build_axis
from pocket.histograms.config import Axis, HistConf
from pocket.histograms.files import (
    add,
    list_variables,
    read_output,
    read_sums,
    read_templates,
    read_variable,
    write_sums_and_histograms,
)
from tests.pocket.configs import DATA, DY, DY_LOW, TT, configure, metadata, only

AXES = [
    Axis(field="regular", bins=3, start=0, stop=1, label="$p_T$ [GeV]"),
    Axis(field="variable", bins=[0, 0.1, 0.3, 7], underflow=False),
    Axis(field="log", bins=3, start=1, stop=1000, transform="log"),
    Axis(field="sqrt", bins=3, start=0, stop=9, transform="sqrt"),
    Axis(field="integer", type="integer", start=-1, stop=3, overflow=False),
    Axis(field="intcat", type="intcat", bins=[5, -1]),
    Axis(field="strcat", type="strcat", bins=["µ", "e"], overflow=False),
]
STORAGES = ("weight", "double", "int64")


def some_output(datasets: tuple[str, ...] = (DY, DY_LOW, TT, DATA)) -> dict[str, Any]:
    """Return an output with random contents in histograms of every axis and storage."""
    variables = {
        f"{axis.name}_{storage}": HistConf([axis], storage=storage, no_weights=storage == "int64")
        for axis in AXES
        for storage in STORAGES
    }
    variables["two"] = HistConf(AXES[:2], only_samples=["DY"])
    config = configure(variables=variables, categories={"SR": [], "CR": []})
    merged: dict[str, Any] = {}
    rng = np.random.default_rng(1)
    for dataset in datasets:
        output = empty_output(config.plan(), config.parameters, metadata(config, dataset))
        for samples in output["variables"].values():
            for histogram in samples.get(config.definitions[dataset].sample, {}).values():
                view = histogram.view(flow=True)
                for part in (view[name] for name in view.dtype.names or ()):
                    part[...] = rng.normal(0, 1, view.shape) * 10.0 ** rng.integers(-12, 12, view.shape)
                if not view.dtype.names:
                    view[...] = (rng.normal(0, 1, view.shape) * 1e9).astype(view.dtype)
        output["sumw"]["SR"][dataset][config.definitions[dataset].sample]["nominal"] = 0.1 + 0.2
        _merge(merged, output)
    return merged


def _merge(target: dict[str, Any], source: dict[str, Any]) -> None:
    for key, value in source.items():
        if isinstance(value, dict):
            _merge(target.setdefault(key, {}), value)
        else:
            target[key] = value


@pytest.fixture
def written(tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    output = some_output()
    write_sums_and_histograms(tmp_path, output)
    return tmp_path, output


def test_round_trip_is_exact(written: tuple[Path, dict[str, Any]]) -> None:
    directory, output = written
    found = read_output(directory)
    assert {key: value for key, value in found.items() if key != "variables"} == {
        key: value for key, value in output.items() if key not in ("variables", "columns")
    }
    assert set(found["variables"]) == set(output["variables"])
    for name, samples in output["variables"].items():
        assert {s: set(datasets) for s, datasets in found["variables"][name].items()} == {
            s: set(datasets) for s, datasets in samples.items()
        }
        for sample, datasets in samples.items():
            for dataset, expected in datasets.items():
                histogram = found["variables"][name][sample][dataset]
                assert isinstance(histogram, hist.Hist)
                assert histogram.view(flow=True).tobytes() == expected.view(flow=True).tobytes()
                assert histogram.storage_type is expected.storage_type
                assert list(histogram.axes) == list(expected.axes)
                for axis, original in zip(histogram.axes, expected.axes, strict=True):
                    assert (axis.name, axis.label, axis.traits) == (original.name, original.label, original.traits)
                    assert list(axis) == list(original)
                assert histogram == expected


def test_sums_are_plain_json(written: tuple[Path, dict[str, Any]]) -> None:
    directory, output = written
    assert read_sums(directory) == json.loads((directory / "sums.json").read_text())
    assert read_sums(directory)["sumw"] == output["sumw"]


def test_other_variables_are_not_read(written: tuple[Path, dict[str, Any]]) -> None:
    directory, output = written
    with h5py.File(directory / "histograms.h5", "a") as file:
        for name in file:
            if name != "two":
                for dataset in [f"{name}/{path}" for path in ("DY/" + DY, "DATA/" + DATA)]:
                    del file[dataset]["storage"]
    assert read_variable(directory, "two") == output["variables"]["two"]
    assert set(list_variables(directory)) == set(output["variables"])
    with pytest.raises(KeyError):
        read_variable(directory, "regular_weight")


def test_templates_are_sums_over_datasets(written: tuple[Path, dict[str, Any]]) -> None:
    directory, output = written
    templates = read_templates(str(directory), "regular_weight")
    assert set(templates) == {"DY", "TT", "DATA"}
    parts = output["variables"]["regular_weight"]["DY"]
    assert templates["DY"] == parts[DY] + parts[DY_LOW]
    assert templates["TT"] == output["variables"]["regular_weight"]["TT"][TT]


def test_unknown_variable(written: tuple[Path, dict[str, Any]]) -> None:
    message = r"unknown variable 'regular_wieght' in .*histograms\.h5, did you mean 'regular_weight'"
    with pytest.raises(UnknownNameError, match=message):
        read_variable(written[0], "regular_wieght")


def test_nothing_that_json_cannot_hold(tmp_path: Path) -> None:
    config = configure(datasets=only("TT"))
    output = empty_output(config.plan(), config.parameters, metadata(config, TT))
    output["sumw"]["baseline"][TT]["TT"]["nominal"] = float("nan")
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_sums_and_histograms(tmp_path, output)


def test_add() -> None:
    first, second = (hist.Hist(build_axis(AXES[0]), storage="weight").fill([value]) for value in (0.1, 0.5))
    total = add([first, second])
    assert total.values().tolist() == [1, 1, 0]
    assert first.values().tolist() == [1, 0, 0]
    other = hist.Hist(build_axis(AXES[1]), storage="weight")
    with pytest.raises(HistogramError, match="have different axes and can't be added"):
        add([first, other])
    with pytest.raises(HistogramError, match="there is no histogram to add"):
        add([])


def test_a_dataset_without_a_variation_is_nominal_in_it() -> None:
    def dataset(*variations: str) -> hist.Hist[Any]:
        histogram = hist.Hist(hist.axis.StrCategory(["nominal", *variations], name="variation"), storage="weight")
        return histogram.fill(["nominal", "nominal", *variations])

    one, other, third = dataset("jesAUp"), dataset("jesBUp", "jesAUp"), dataset()
    total = add([one, other, third])
    assert {name: total[name].value for name in total.axes["variation"]} == {
        "nominal": 6,
        "jesAUp": 1 + 1 + 2,
        "jesBUp": 2 + 1 + 2,
    }
    assert list(one.axes["variation"]) == ["nominal", "jesAUp"]
    assert add([one, one]) == one + one


def test_bytes_depend_on_the_content_alone(tmp_path: Path) -> None:
    written = []
    for number in range(2):
        (folder := tmp_path / str(number)).mkdir()
        write_sums_and_histograms(folder, some_output())
        written.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert written[0] == written[1]
