from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import hist
import numpy as np
import pytest

from pocket.histograms.contents import checksum_of, only_read, read_contents, write_contents
from pocket.histograms.readings import Reading
from tests.entries import check_each

READING = Reading("tnp", "mass", ("pairs",), ("DY", "data"), ("pileup",))


def histogram(
    categories: Sequence[str] = ("pairs", "tight"),
    variations: Sequence[str] = ("nominal", "pileupUp"),
    bins: int = 3,
    label: str = "m",
) -> Any:
    """Return a histogram whose contents are known by the names of the category and the variation."""
    axes: list[Any] = [hist.axis.StrCategory(list(categories), name="cat", overflow=False)]
    if variations:
        axes.append(hist.axis.StrCategory(list(variations), name="variation", overflow=False))
    filled = hist.Hist(*axes, hist.axis.Regular(bins, 0, 1, name="mass", label=label), storage=hist.storage.Weight())
    for category in categories:
        for variation in variations or [""]:
            index = {"cat": category, **({"variation": variation} if variation else {})}
            size = len(category) + 100 * len(variation)
            filled[index] = np.full((bins + 2, 2), size)
    return filled


def of(dy: Any, data: Any | None = None, **others: Any) -> dict[str, Any]:
    return {"mass": {"DY": {"DY_2018": dy}, "data": {"data_2018": data or histogram(variations=())}}, **others}


def describe_contents(variables: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        list(write_contents(Path(folder), iter(variables.items())))
        return dict(read_contents(folder))


def checksum(variables: dict[str, Any], reading: Reading = READING) -> str:
    return checksum_of(describe_contents(variables), [reading])


def changed(category: str, variation: str) -> Any:
    other = histogram()
    other.view(flow=True)["value"][other.axes["cat"].index(category), other.axes["variation"].index(variation), 0] += 1
    return other


@pytest.mark.parametrize(
    "variables",
    [
        of(histogram(("first", "pairs", "other"))),
        of(histogram(variations=("nominal", "JESUp", "pileupUp"))),
        of(changed("tight", "nominal")),
        of(histogram(label="mass")),
        of(histogram(), other={"DY": {"DY_2018": histogram()}}),
        {"mass": {**of(histogram())["mass"], "top": {"top_2018": histogram()}}},
    ],
    ids=["category", "variation", "contents of another category", "label", "histogram", "sample"],
)
def test_what_is_not_read_leaves_the_checksum(variables: dict[str, Any]) -> None:
    assert checksum(variables) == checksum(of(histogram()))


@check_each(
    "variables",
    [
        of(changed("pairs", "nominal")),
        of(changed("pairs", "pileupUp")),
        of(histogram(variations=("nominal",))),
        of(histogram(("tight",))),
        of(histogram(bins=4)),
        of(histogram(), histogram(variations=(), bins=4)),
        {"mass": {"DY": {"DY_2018": histogram(), "DY_2017": histogram()}, "data": of(histogram())["mass"]["data"]}},
        {"other": of(histogram())["mass"]},
    ],
    ids=["nominal", "variation", "no variation", "no category", "bins", "data", "dataset", "no histogram"],
)
def test_what_is_read_changes_the_checksum(variables: dict[str, Any]) -> None:
    assert checksum(variables) != checksum(of(histogram()))


def test_checksums_are_read_from_the_folder(tmp_path: Path) -> None:
    variables = {f"{number} mass": of(histogram(bins=number))["mass"] for number in (2, 3, 4)}
    variables['with "marks":{, and é'] = of(histogram())["mass"]
    assert dict(write_contents(tmp_path, iter(variables.items()))) == variables
    expected = {name: describe_contents({name: samples})[name] for name, samples in variables.items()}
    assert read_contents(tmp_path) == expected
    for wanted in ([], ["3 mass", "none"], ['with "marks":{, and é', "2 mass"]):
        assert read_contents(tmp_path, wanted) == {name: expected[name] for name in expected if name in wanted}


def test_checksums_of_no_variable(tmp_path: Path) -> None:
    assert list(write_contents(tmp_path, iter({}.items()))) == []
    assert read_contents(tmp_path) == read_contents(tmp_path, ["mass"]) == {}


def test_only_what_is_read_is_handed_on() -> None:
    whole = histogram(("first", "pairs", "other"), ("nominal", "JESUp", "pileupUp"))
    part = only_read(whole, READING)
    assert (list(part.axes["cat"]), list(part.axes["variation"])) == (["pairs"], ["nominal", "pileupUp"])
    for variation in part.axes["variation"]:
        index = {"cat": "pairs", "variation": variation}
        np.testing.assert_array_equal(part[index].view(flow=True), whole[index].view(flow=True))
    assert part.axes["mass"] == whole.axes["mass"]
    assert part.storage_type is hist.storage.Weight
    everything = histogram(("pairs",))
    assert only_read(everything, READING) is everything
