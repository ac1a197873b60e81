from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from correctionlib import CorrectionSet
from hypothesis import HealthCheck, given, settings

from pocket.errors import ConfigError, PocketError, ScaleFactorError
from pocket.parameters.used_files import recording_files
from pocket.scale_factors import Imported
from pocket.scale_factors.declarations.base import UpstreamOutputs
from pocket.scale_factors.files.importing import check, make, write
from tests.pocket.scale_factors.correction_trees import (
    FORMULAS,
    INPUTS,
    POINTS,
    PT,
    YEARS,
    binning,
    category,
    evaluator,
    published,
    trees,
    value_at,
)

KEYS = {"nominal": "sf", "up": "systup", "down": "systdown"}
NOTHING = UpstreamOutputs({}, lambda config: {}, lambda name: name)
#: one value per kind, in bins of pt that are other ones in each year
TREE = category(
    "kind",
    {
        kind: category(
            "year",
            {
                year: binning("pt", list(PT), [base + 0.01 * i + 0.1 * j for i in range(3)], "error")
                for j, year in enumerate(YEARS)
            },
        )
        for kind, base in {"sf": 1.0, "systup": 1.2, "systdown": 0.9, "stat": 0.02}.items()
    },
)


def declared(file: Path | str = "id.json", **changes: Any) -> Imported:
    settings = {"inputs": {"year": "2018"}, "rename": {"eta": "abseta"}, "systematic": "kind", "keys": KEYS}
    return Imported(file=str(file), correction="id", **settings | changes)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A compressed file with a correction and a compound one of it."""
    inputs = [{"name": name, "type": kind} for name, kind in INPUTS.items()]
    compound = {"name": "both", "inputs": inputs, "inputs_update": [], "input_op": "*", "output_op": "*"}
    compound |= {"output": {"name": "weight", "type": "real"}, "stack": ["id", "other"]}
    content = {
        "schema_version": 2,
        "corrections": [published(1.0) | {"name": "other"}, published(TREE, description="Tight muons")],
        "compound_corrections": [compound],
    }
    path = tmp_path / "id.json.gz"
    path.write_bytes(gzip.compress(json.dumps(content).encode()))
    return path


@settings(max_examples=30, suppress_health_check=[HealthCheck.filter_too_much])
@given(tree=trees(("clamp", "error", "wrap"), functions=True), points=POINTS)
def test_written_correction_is_the_published_one(tree: Any, points: Any) -> None:
    known = category("kind", dict.fromkeys(KEYS.values(), tree))
    correction = published(category("year", dict.fromkeys(YEARS, known)), generic_formulas=FORMULAS)
    original = evaluator(correction)
    written = CorrectionSet.from_string(write("muon_id", declared(), correction))["muon_id"]
    assert [variable.name for variable in written.inputs] == ["abseta", "pt", "flavor", "systematic"]
    for key, kind in KEYS.items():
        for point in points:
            assert value_at(written, *point, key) == value_at(original, *point, "2018", kind)


def test_file_is_read_by_its_name_and_recorded(file: Path) -> None:
    outputs = UpstreamOutputs({}, lambda config: {}, {"toys://id.json.gz": str(file)}.__getitem__)
    with recording_files() as used:
        text, result = make("muon_id", declared("toys://id.json.gz"), outputs)
    assert used == {str(file): str(file)}
    (correction,) = json.loads(text)["corrections"]
    assert (correction["description"], correction["version"]) == ("Tight muons", 3)
    # eta and flavor aren't binned
    assert result is None
    correction = CorrectionSet.from_string(text)["muon_id"]
    assert correction.evaluate(1.0, 50.0, 5, "up") == pytest.approx(1.32)
    _, result = make("muon_id", declared(file, inputs={"year": "2018", "eta": 0.0, "flavor": 5}, rename={}), NOTHING)
    assert result is not None
    assert result.axes == {"pt": PT}


def test_description_of_the_analysis_comes_first(file: Path) -> None:
    text, _ = make("muon_id", declared(file, description="Ours"), NOTHING)
    assert json.loads(text)["corrections"][0]["description"] == json.loads(text)["description"] == "Ours"


def test_sizes_of_errors_are_added(file: Path) -> None:
    keys = {"nominal": "sf", "stat_up": "+stat", "stat_down": "-stat"}
    correction = CorrectionSet.from_string(make("muon_id", declared(file, keys=keys), NOTHING)[0])["muon_id"]
    nominal, up, down = (correction.evaluate(0.0, 25.0, 0, key) for key in keys)
    # of the error 0.02 of the first year and 0.1 more in the second one
    assert (up - nominal, nominal - down) == pytest.approx((0.12, 0.12))


def test_correction_without_variations(file: Path) -> None:
    other = Imported(file=str(file), correction="other", inputs={"year": "any"}, rename={"kind": "which"})
    text, _ = make("one", other, NOTHING)
    correction = CorrectionSet.from_string(text)["one"]
    assert [variable.name for variable in correction.inputs] == ["eta", "pt", "flavor", "which", "systematic"]
    assert correction.evaluate(0.0, 30.0, 5, "?", "nominal") == 1.0
    with pytest.raises(IndexError):
        correction.evaluate(0.0, 30.0, 5, "?", "up")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"inputs": {"yaer": "2018"}}, "unknown input 'yaer' in Imported correction 'id', did you mean 'year'?"),
        ({"rename": {"eat": "abseta"}}, "unknown input 'eat' in Imported correction 'id', did you mean 'eta'?"),
        ({"systematic": "kid"}, "unknown input 'kid' in Imported correction 'id', did you mean 'kind'?"),
        (
            {"inputs": {"year": "2081"}},
            "unknown value of 'year' '2081' in Imported correction 'id', did you",
        ),
        (
            {"keys": KEYS | {"up": "sysup"}},
            "unknown value of 'kind' 'sysup' in Imported correction 'id', did you mean 'systup'",
        ),
        (
            {"keys": KEYS | {"stat_up": "+stats", "stat_down": "-stat"}},
            "unknown value of 'kind' 'stats' in Imported correction 'id', did you mean 'stat'?",
        ),
        ({"inputs": {"year": 2018}}, "Imported correction 'id': input 'year' is of the type string, it can't be 2018"),
        ({"inputs": {"flavor": 5.0}}, "Imported correction 'id': input 'flavor' is of the type int, it can't be 5.0"),
        (
            {"inputs": {"eta": "1.0"}, "rename": {}},
            "Imported correction 'id': input 'eta' is of the type real",
        ),
        ({"systematic": "pt"}, "Imported correction 'id': input 'pt' is no string, it can't be systematic"),
        (
            {"rename": {"eta": "pt"}},
            "Imported correction 'id': an input can't be called 'pt', rename= gives it another",
        ),
        ({"inputs": {"pt": 10.0}}, "Imported correction 'id': pt 10.0 is out of range"),
    ],
)
def test_what_the_file_does_not_have(file: Path, changes: dict[str, Any], message: str) -> None:
    for function in (check, lambda declaration: make("muon_id", declaration, NOTHING)):
        with pytest.raises(PocketError) as error:
            function(declared(file, **changes))
        assert str(error.value).startswith(message)


def test_input_that_would_hide_the_systematic() -> None:
    correction = published(1.0, {"pt": "real", "systematic": "string"})
    with pytest.raises(ConfigError, match="an input can't be called 'systematic', rename= gives it another name"):
        write("sf", Imported(file="id.json", correction="id"), correction)


def test_files_that_are_none(file: Path) -> None:
    check(declared(file))
    with pytest.raises(ConfigError, match=r"correction file \S+/nowhere.json does not exist"):
        check(declared(file.with_name("nowhere.json")))
    with pytest.raises(ConfigError, match=r"unknown correction 'ids' in id\.json\.gz, did you mean 'id'"):
        check(Imported(file=str(file), correction="ids"))
    with pytest.raises(ScaleFactorError, match="Imported correction 'both' is a compound one, which can't be imported"):
        check(Imported(file=str(file), correction="both"))
