from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hist
import numpy as np
import pytest

from pocket.digests import content_digests
from pocket.outputs import read_output, write_sums_and_histograms
from tests.pocket.test_outputs import some_output


def test_digests_survive_the_disk_and_the_order_of_samples(tmp_path: Path) -> None:
    output = some_output()
    digests = content_digests(output)
    assert set(digests) == {"sums", *(f"histogram {variable}" for variable in output["variables"])}
    assert len(set(digests.values())) == len(digests)
    write_sums_and_histograms(tmp_path, output)
    assert content_digests(read_output(tmp_path)) == digests
    for samples in output["variables"].values():
        for sample, datasets in reversed([*samples.items()]):
            samples[sample] = dict(reversed([*datasets.items()]))
    output["sums of another order"] = output.pop("sumw")
    output["sumw"] = output.pop("sums of another order")
    assert content_digests(output) == digests


def histogram(output: dict[str, Any], variable: str) -> Any:
    return next(iter(output["variables"][variable]["DY"].values()))


def one_bin(output: dict[str, Any]) -> None:
    view = histogram(output, "two").view(flow=True)
    view["variance"][0, 0, 0, 0] += 1e-3


def another_sum(output: dict[str, Any]) -> None:
    output["sumw"]["SR"]["DYJetsToLL_2018"] = {"DY": {"nominal": 1.0}}


def another_label(output: dict[str, Any]) -> None:
    histogram(output, "regular_weight").axes["regular"].label = "x"


@pytest.mark.parametrize(
    ("change", "expected"), [(one_bin, {"histogram two"}), (another_sum, {"sums"}), (another_label, set())]
)
def test_what_changes_has_another_digest(change: Callable[[dict[str, Any]], None], expected: set[str]) -> None:
    output = some_output()
    changed = copy.deepcopy(output)
    change(changed)
    before, after = content_digests(output), content_digests(changed)
    assert {name for name in before if before[name] != after[name]} == expected


@pytest.mark.parametrize(
    "axis",
    [
        hist.axis.Regular(3, 0, 1.5, name="x"),
        hist.axis.Regular(3, 0, 1, name="y"),
        hist.axis.Regular(3, 0, 1, name="x", circular=True),
        hist.axis.Variable([0, 0.3, 0.7, 1], name="x"),
        hist.axis.StrCategory(["a", "b", "c"], name="x", overflow=True),
        hist.axis.IntCategory([1, 2, 3], name="x"),
        hist.axis.Integer(0, 3, name="x"),
    ],
)
def test_axes_count(axis: Any) -> None:
    def digest(*axes: Any) -> str:
        output = {"variables": {"v": {"DY": {"dy": hist.Hist(*axes)}}}}
        return content_digests(output)["histogram v"]

    assert digest(axis) != digest(hist.axis.Regular(3, 0, 1, name="x"))
    assert digest(axis) == digest(axis)


def test_columns_count(tmp_path: Path) -> None:
    def digest(content: bytes, name: str = "a") -> str:
        (tmp_path / "columns").mkdir(exist_ok=True)
        file = tmp_path / "columns" / f"{name}.parquet"
        file.write_bytes(content)
        found = content_digests({"variables": {}}, tmp_path)["columns"]
        file.unlink()
        return found

    assert "columns" not in content_digests({"variables": {}}, tmp_path)
    assert digest(b"1") == digest(b"1")
    assert len({digest(b"1"), digest(b"2"), digest(b"1", "b")}) == 3


def test_numbers_count_by_their_bytes() -> None:
    one, other = (hist.Hist(hist.axis.Regular(2, 0, 1, name="x")) for _ in range(2))
    other.view(flow=True)[0] = np.nextafter(0.0, 1.0)
    digests = [content_digests({"variables": {"v": {"s": {"d": each}}}}) for each in (one, other)]
    assert digests[0] != digests[1]
