from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from omegaconf import DictConfig, OmegaConf

from pocket.errors import ConfigError, UnknownNameError
from pocket.parameters.defaults import get_default_parameters, merge_parameters, merge_parameters_from_files
from pocket.parameters.overrides import (
    apply_overrides,
    check_applied,
    check_overrides,
    lookup,
    parameter_overrides,
    split_assignment,
)
from pocket.parameters.tags import with_tags
from tests.entries import check_each

PARAMETERS: dict[str, Any] = {
    "muon": {"pt": 15.0, "id": "tightId", "iso": None, "flags": ["a", "b"], "veto": True},
    "years": {"2018": {"tot": 59830.0}},
    "both": "${later.value}",
}


def compose(*assignments: str) -> DictConfig:
    with parameter_overrides(assignments):
        return merge_parameters(OmegaConf.create({}), PARAMETERS)


@check_each(
    ("assignment", "key", "value"),
    [
        ("a.b=25", "a.b", 25),
        ("a.b=2.5e1", "a.b", 25.0),
        (" a.b = text ", "a.b", "text"),
        ("a.b=[1, 2.5]", "a.b", [1, 2.5]),
        ("a.2018.b=true", "a.2018.b", True),
        ("a.b='2018'", "a.b", "2018"),
        ("a.b=toys://x=y", "a.b", "toys://x=y"),
        ("a.b=null", "a.b", None),
    ],
)
def test_split_assignment(assignment: str, key: str, value: Any) -> None:
    found_key, found = split_assignment(assignment)
    assert (found_key, found) == (key, value)
    assert type(found) is type(value) or OmegaConf.is_list(found)


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("a.b", "--params takes key=value, .* not 'a.b'"),
        ("=3", "--params takes key=value, .* not '=3'"),
        ("a.b=[1", r"--params a\.b=\[1: did not find expected ',' or '\]'$"),
        (
            "a.b=${c}",
            r"--params a\.b=\$\{c\}: Interpolation key 'c' not found, write its value",
        ),
        ("a.b={c: 1}", r"--params a\.b=\{c: 1\}: set the values of a section one by one, a\.b\.…"),
    ],
)
def test_what_is_no_assignment(assignment: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        split_assignment(assignment)


def test_values_are_set() -> None:
    composed = compose("muon.pt=25", "muon.flags=[c]", "muon.iso=0.2", "years.2018.tot=1.5", "muon.veto=false")
    assert composed.muon == {"pt": 25, "id": "tightId", "iso": 0.2, "flags": ["c"], "veto": False}
    assert composed.years["2018"].tot == 1.5
    assert compose("muon.pt=1", "muon.pt=2").muon.pt == 2
    assert compose().muon == PARAMETERS["muon"]


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("muon.pt=high", "muon.pt is a number, not a string"),
        ("muon.pt=true", r"muon.pt is a number, not a switch \(true or false\)"),
        ("muon.pt=", "muon.pt is a number, not a null"),
        ("muon.id=3", "muon.id is a string, not a number"),
        ("muon.flags=a", "muon.flags is a list, not a string"),
        ("muon.veto=1", r"muon.veto is a switch \(true or false\), not a number"),
        ("muon=3", "muon is a section, not a number"),
    ],
)
def test_a_value_keeps_its_type(assignment: str, message: str) -> None:
    with pytest.raises(ConfigError, match=f"--params {assignment}: {message}"):
        compose(assignment)


def test_an_integer_for_a_number_with_decimals_is_the_same_value_as_in_a_file() -> None:
    whole, decimal = (compose(f"muon.pt={text}").muon.pt for text in ("25", "25.0"))
    assert repr(whole) == repr(decimal) == "25.0"
    with parameter_overrides(["mine.number=3"]):
        assert repr(merge_parameters(OmegaConf.create({}), {"mine": {"number": 1}}).mine.number) == "3"


def test_what_is_merged_later_does_not_win(tmp_path: Path) -> None:
    file = tmp_path / "later.yaml"
    file.write_text("muon: {pt: 40.0}\nlater: {value: 1}\n")
    with parameter_overrides(["muon.pt=25.0", "later.value=2"]):
        base = merge_parameters(OmegaConf.create({}), PARAMETERS)
        for merged in (
            merge_parameters(base, {"muon": {"pt": 40.0}}, {"later": {"value": 1}}, update=True),
            merge_parameters_from_files(base, file, update=True),
        ):
            assert merged.muon.pt == 25.0
            assert merged.both == 2
    # outside of the block nothing is set
    assert merge_parameters(base, {"muon": {"pt": 40.0}}, update=True).muon.pt == 40.0


def test_values_that_code_changes_afterwards_are_noticed() -> None:
    assignments = ["muon.pt=20", "muon.flags=[c]", "muon.iso=0.1", "muon.pt=25"]
    composed = compose(*assignments)
    check_applied(composed, assignments)
    composed.muon.pt = 30.0
    with pytest.raises(ConfigError, match=r"--params muon\.pt=25 has no effect, .* sets muon\.pt to 30\.0 afterwards"):
        check_applied(composed, assignments)
    merged = OmegaConf.merge(compose(*assignments), {"muon": {"flags": ["d"]}})
    with pytest.raises(ConfigError, match=r"sets muon\.flags to \['d'\] afterwards: set it by merge_parameters"):
        check_applied(merged, assignments)


def test_names_of_files_may_get_tags() -> None:
    assignments = ["correction_tags.LUM=2025-01-01", "pileup.2018.file=corrections://POG/LUM/2018_UL/mine.json.gz"]
    with parameter_overrides(assignments):
        composed = with_tags(get_default_parameters())
    assert composed.pileup["2018"].file.endswith("/2025-01-01/mine.json.gz")
    check_applied(composed, assignments)


def test_shipped_values_are_set() -> None:
    with parameter_overrides(["object_preselection.Muon.pt=1.25"]):
        assert get_default_parameters().object_preselection.Muon.pt == 1.25


def test_an_interpolation_may_be_replaced_before_it_resolves() -> None:
    assert compose("both=3").both == 3


def test_the_block_ends_with_an_error() -> None:
    with pytest.raises(RuntimeError), parameter_overrides(["muon.pt=25.0"]):
        raise RuntimeError
    assert apply_overrides(OmegaConf.create({"muon": {"pt": 1.0}})).muon.pt == 1.0


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("muon.ptt", r"parameter 'ptt' in muon \(--params muon\.ptt\), did you mean 'pt'"),
        ("moun.pt", r"parameter 'moun' in the parameters \(--params moun\.pt\), did you mean 'muon'"),
        ("years.2081.tot", r"parameter '2081' in years \(.*did you mean '2018'"),
        ("muon.pt.min", r"parameter 'min' in muon\.pt .*; none is defined"),
    ],
)
def test_unknown_key(key: str, message: str) -> None:
    composed = compose(f"{key}=1")
    assert composed == compose()
    assert not lookup(composed, key)
    with pytest.raises(UnknownNameError, match=message):
        check_overrides(composed, [f"{key}=1"])


def test_a_value_that_is_not_known_yet_gets_one() -> None:
    unknown = {"cuts": {"pt": "???", "ids": "???"}}
    assignments = ["cuts.pt=25", "cuts.ids=[1,2]"]
    with parameter_overrides(assignments):
        composed = merge_parameters(OmegaConf.create({}), unknown)
    assert composed == {"cuts": {"pt": 25, "ids": [1, 2]}}
    check_overrides(composed, assignments)
    check_applied(composed, assignments)


def test_a_key_of_a_reference_names_what_it_refers_to() -> None:
    with parameter_overrides(["copy.2018.tot=1"]):
        composed = merge_parameters(OmegaConf.create({}), PARAMETERS, {"copy": "${years}"})
    with pytest.raises(ConfigError, match=r"copy\.2018\.tot: copy is \$\{years\}, so its values are set there"):
        check_overrides(composed, ["copy.2018.tot=1"])


def test_known_keys() -> None:
    composed = compose()
    keys = ["muon.pt", "years.2018.tot", "both", "muon"]
    assert all(lookup(composed, key) for key in keys)
    check_overrides(composed, [f"{key}=1" for key in keys])
