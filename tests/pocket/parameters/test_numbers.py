from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from pocket.errors import ConfigError
from pocket.parameters import defaults
from pocket.parameters.checking import surprising_numbers
from pocket.parameters.overrides import parameter_overrides
from tests.entries import check_each


@pytest.mark.parametrize("written", ["010", "-010", "0_17", "1:30", "+1:30:00", "190:20"])
def test_numbers_of_another_base(written: str) -> None:
    for text in (f"a: {{b: {written}}}", f"a:\n  b: {written}  # comment", f"x: 1\na: {{c: 1, b: {written}, d: 2}}"):
        content = yaml.safe_load(text)
        assert isinstance(content["a"]["b"], int)
        assert surprising_numbers(text) == {"a.b": written}


@check_each("written", ["10", "0", "00", "0.10", "'010'", "0x10", "09", "1e3", "12:61", "a:1"])
def test_other_values(written: str) -> None:
    assert surprising_numbers(f"a: {{b: {written}}}") == {}
    assert surprising_numbers("") == {}


def test_merged_mappings_and_anchors() -> None:
    assert surprising_numbers("a: &x {c: 010}\nb:\n  <<: *x\n  d: 1") == {"a.c": "010", "b.c": "010"}


@pytest.mark.parametrize(("written", "value"), [("010", 8), ("1:30", 90)])
def test_refused_where_a_number_is_expected(tmp_path: Path, written: str, value: int) -> None:
    path = tmp_path / "lumi.yaml"
    path.write_text(f"lumi: {{picobarns: {{mine: {{tot: {written}}}}}}}\nmy_own: {{time: {written}}}\n")
    sentence = rf"^lumi\.picobarns\.mine\.tot in {path} is written {written}, which YAML reads as {value}: write"
    with pytest.raises(ConfigError, match=sentence):
        defaults.merge_parameters_from_files(defaults.get_default_parameters(), path)
    path.write_text(f"my_own: {{time: {written}}}\n")
    assert defaults.merge_parameters_from_files(defaults.get_default_parameters(), path).my_own.time == value
    with (
        parameter_overrides([f"lumi.picobarns.2018.tot={written}"]),
        pytest.raises(ConfigError, match=rf"--params .* is written {written}, which YAML reads as {value}"),
    ):
        defaults.get_default_parameters()
