from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pocket.scale_factors import Imported
from pocket.scale_factors.declarations.base import UpstreamOutputs
from pocket.scale_factors.files.importing import make
from pocket.scale_factors.validation.checks import Check
from pocket.scale_factors.validation.imported_checks import validate
from tests.pocket.scale_factors.correction_trees import FORMULAS, PT, binning, category, published

NOTHING = UpstreamOutputs({}, lambda config: {}, lambda name: name)
KEYS = {"nominal": "sf", "up": "systup", "down": "systdown", "stat_up": "+stat", "stat_down": "-stat"}
VALUES = {
    "sf": [1.0, 0.98, 1.02],
    "systup": [1.01, 1.0, 1.05],
    "systdown": [0.99, 0.96, 0.99],
    "stat": [0.01, 0.02, 0.03],
}


def declared(folder: Path, values: Any, **changes: Any) -> Imported:
    """Publish values in bins, and declare their import."""
    data = category("kind", {kind: binning("eta", list(PT), of_kind) for kind, of_kind in values.items()})
    correction = published(data, {"eta": "real", "kind": "string"}, generic_formulas=None)
    file = folder / "id.json"
    file.write_text(json.dumps({"schema_version": 2, "corrections": [correction]}))
    settings = {"rename": {"eta": "abseta"}, "systematic": "kind", "keys": KEYS}
    return Imported(file=str(file), correction="id", **settings | changes)


def checks(declaration: Imported, old: str = "", new: str = "") -> dict[str, Check]:
    """Import, with a text in the written file replaced."""
    correction, result = make("muon_id", declaration, NOTHING)
    assert old in correction
    report = validate("muon_id", declaration, NOTHING, correction.replace(old, new), result)
    assert report.scale_factor == "muon_id"
    return {check.name: check for check in report.checks}


def test_good_ones(tmp_path: Path) -> None:
    found = checks(declared(tmp_path, VALUES))
    assert {name: check.passed for name, check in found.items()} == {"values": True, "file": True}
    assert found["values"].outcome == "3 bins, relative total errors up to 0.029 (in abseta [45.5, 120))"
    assert found["file"].outcome.startswith("15 compared")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sf": [0.0, 0.98, 1.02]}, "abseta [20, 30): the value isn't finite and positive"),
        ({"sf": [1.0, -0.98, 1.02]}, "abseta [30, 45.5): the value isn't finite and positive"),
        ({"systup": [1.01, 1.0, 3.0]}, "abseta [45.5, 120): the total error is larger than the value"),
        ({"systup": VALUES["sf"], "systdown": VALUES["sf"]}, "all errors that are imported are zero"),
    ],
)
def test_impossible_numbers(tmp_path: Path, changes: Any, message: str) -> None:
    values = checks(declared(tmp_path, VALUES | changes))["values"]
    assert values.passed is False
    assert message in values.outcome


def test_bins_without_an_error_are_told(tmp_path: Path) -> None:
    values = checks(declared(tmp_path, VALUES | {"systup": [1.0, 1.0, 1.05], "systdown": [1.0, 0.96, 0.99]}))["values"]
    assert values.passed is True
    assert values.outcome.endswith("; no error in abseta [20, 30)")


def test_nominal_alone(tmp_path: Path) -> None:
    values = checks(declared(tmp_path, VALUES, keys={"nominal": "sf"}))["values"]
    assert (values.passed, values.outcome) == (True, "3 bins, no errors are imported")


def test_file_with_another_number(tmp_path: Path) -> None:
    file = checks(declared(tmp_path, VALUES), old="0.96", new="0.97")["file"]
    assert file.passed is False
    assert file.outcome.startswith("0.97 instead of 0.96 in abseta [30, 45.5) (down)")


def test_what_was_published_is_gone(tmp_path: Path) -> None:
    declaration = declared(tmp_path, VALUES)
    correction, result = make("muon_id", declaration, NOTHING)
    outputs = UpstreamOutputs({}, NOTHING.dataset_years, lambda name: f"{name}.gone")
    *_, file = validate("muon_id", declaration, outputs, correction, result).checks
    assert (file.name, file.passed) == ("file", False)
    assert file.outcome.endswith(".gone does not exist")


def test_without_bins_nothing_is_checked(tmp_path: Path) -> None:
    formula = {**FORMULAS[0], "variables": ["eta"], "parameters": [1.0, 0.0]}
    values = {kind: [formula] * 3 for kind in ("sf", "systup", "systdown")}
    keys = {key: kind for key, kind in KEYS.items() if kind in values}
    found = checks(declared(tmp_path, values, keys=keys))
    assert list(found) == ["values"]
    assert (found["values"].passed, found["values"].outcome) == (None, "not made: it isn't binned in its inputs")
