from __future__ import annotations

import io
from pathlib import Path

import pytest
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from pocket.parameters.explaining import omegaconf_reason, shown_file, yaml_reason

PARAMETERS = OmegaConf.create({"muon": {"pt": 26, "iso": "${muon.isol}"}, "jet": {"pt": "${moun.pt}", "eta": "???"}})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "a:\n  b: x\n\tc: 1\n",
            "mine.yaml:3: found a tab character that violates indentation, while scanning a plain scalar that begins "
            "in line 2: indent with spaces",
        ),
        (
            "a: {b: 1\n\n",
            "mine.yaml:3: did not find expected ',' or '}', while parsing a flow mapping that begins in line 1",
        ),
        ("a: 1\na: 2", "mine.yaml:2: found duplicate key a, while constructing a mapping that begins in line 1"),
        ("a: ${b", "mine.yaml: no viable alternative at input '${b' (a)"),
    ],
)
def test_place_of_what_is_no_yaml(text: str, reason: str) -> None:
    with pytest.raises((YAMLError, OmegaConfBaseException)) as error:
        OmegaConf.load(io.StringIO(text))
    assert yaml_reason(error.value, "mine.yaml") == reason


def test_an_error_without_a_place_stays_as_it_is() -> None:
    assert yaml_reason(YAMLError("no\n  place"), "mine.yaml") == "mine.yaml: no place"


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("muon.ptt", "unknown parameter 'ptt' in muon, did you mean 'pt'?"),
        ("mouns", "unknown parameter 'mouns' in the parameters, did you mean 'muon'?"),
        ("muon.mass", "unknown parameter 'mass' in muon; known: iso, pt"),
        ("muon.iso", "Interpolation key 'muon.isol' not found, did you mean 'muon.iso'?"),
        ("jet.pt", "Interpolation key 'moun.pt' not found, did you mean 'muon'?"),
        ("jet.eta", "Missing mandatory value: jet.eta"),
    ],
)
def test_nearest_key(key: str, reason: str) -> None:
    node = PARAMETERS
    *path, last = key.split(".")
    for name in path:
        node = node[name]
    with pytest.raises(OmegaConfBaseException) as error:
        node[last]
    assert omegaconf_reason(error.value) == reason


def test_source_files_are_named_relative_to_the_project(tmp_path: Path) -> None:
    assert shown_file(__file__) == "tests/pocket/parameters/test_explaining.py"
    assert shown_file(f"{tmp_path}/cuts.py") == f"{tmp_path}/cuts.py"
