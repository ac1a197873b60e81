from __future__ import annotations

import pytest

from pocket.errors import ConfigError, UnknownNameError
from tasks.core.names import AssignmentsParameter, VersionParameter, choose

KNOWN = ["mll", "muon_pt", "npvs"]


@pytest.mark.parametrize(
    ("given", "chosen"),
    [
        ([], ()),
        (["npvs", "mll"], ("npvs", "mll")),
        (["m*"], ("mll", "muon_pt")),
        (["npvs", "*"], ("npvs", "mll", "muon_pt")),
        (["m??", "mll"], ("mll",)),
        (["[mn]*s"], ("npvs",)),
    ],
)
def test_names_and_patterns(given: list[str], chosen: tuple[str, ...]) -> None:
    assert choose("variable", given, KNOWN, "here") == chosen


def test_unknown_names() -> None:
    with pytest.raises(UnknownNameError, match="unknown variable 'npv' in here, did you mean 'npvs'"):
        choose("variable", ["m*", "npv"], KNOWN, "here")
    with pytest.raises(ConfigError, match=r"no variable in here matches 'q\*'; known: mll, muon_pt, npvs"):
        choose("variable", ["q*"], KNOWN, "here")


def test_a_name_with_signs_of_a_pattern_is_itself() -> None:
    assert choose("variable", ["m[0]"], ["m[0]", "m0"], "here") == ("m[0]",)


@pytest.mark.parametrize(
    ("value", "near"),
    [
        ("my version", ", e.g. my_version"),
        (".v1", ", e.g. v1"),
        ("2018/b tag", ", e.g. 2018_b_tag"),
        ("../..", "in front"),
    ],
)
def test_names_of_folders_are_refused_when_options_are_parsed(value: str, near: str) -> None:
    parameter = VersionParameter(description="name")
    with pytest.raises(ConfigError, match="can't be part of a path in the store") as error:
        parameter.parse(value)
    assert str(error.value).endswith(near)
    assert parameter.parse("v1.2") == "v1.2"


@pytest.mark.parametrize(
    ("text", "assignments"),
    [
        ("", ()),
        ("a.b=1,c=2", ("a.b=1", "c=2")),
        ("a=[1,2],b=[[3, 4],[5]],c=6", ("a=[1,2]", "b=[[3, 4],[5]]", "c=6")),
        (r"a=[1\,2],b=3", ("a=[1,2]", "b=3")),
        ("a='x,y',b=\"z,w\",c=',',d=it's", ("a='x,y'", 'b="z,w"', "c=','", "d=it's")),
        ("a=[1,b=2", ("a=[1,b=2",)),
        ("2]", ("2]",)),
    ],
)
def test_assignments_of_lists(text: str, assignments: tuple[str, ...]) -> None:
    parameter = AssignmentsParameter(description="parameters")
    assert parameter.parse(text) == assignments
    # Jobs and printed commands have what was parsed.
    assert parameter.parse(parameter.serialize(assignments)) == assignments
    assert parameter.parse(assignments) == assignments
