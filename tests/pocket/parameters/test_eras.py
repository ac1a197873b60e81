from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pocket.configuration.notes import era_of_corrections, eras_of_name
from pocket.errors import ConfigError
from pocket.parameters.defaults import get_default_parameters
from pocket.parameters.eras import Era, eras
from pocket.parameters.public_places import CorrectionPlace
from tests.entries import check_each

OWN = """\
era:
  folder: 2026_Prompt
  period: Run3-26Prompt-Winter26-NanoAODv15
  simulation: [Winter26]
  data: ["Run2026[A-C]"]

lumi:
  picobarns: {"2026": {A: 3.0, tot: 3.0}}
  sqrt_s: {"2026": 13.6}
event_flags: {"2026": [goodVertices]}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder for eras of a project of its own."""
    monkeypatch.setenv("POCKET_ROOT", str(tmp_path))
    (tmp_path / "params" / "eras").mkdir(parents=True)
    return tmp_path / "params" / "eras"


def test_eras_are_in_the_order_of_their_data() -> None:
    of_years = ["2016_PreVFP", "2016_PostVFP", "2017", "2018", "2022_preEE", "2022_postEE", "2023_preBPix"]
    assert list(eras()) == [*of_years, "2023_postBPix", "2024", "2025", "toys"]
    assert eras()["toys"] == Era()


def test_a_year_of_the_users_own_is_one_file(project: Path) -> None:
    shipped = get_default_parameters()
    (project / "2026.yaml").write_text(OWN)
    found = get_default_parameters()
    assert found.lumi.picobarns["2026"] == {"A": 3.0, "tot": 3.0}
    assert (found.event_flags["2026"], found.lumi.sqrt_s["2026"]) == (["goodVertices"], 13.6)
    assert found.event_flags["2018"] == shipped.event_flags["2018"]
    assert [*found] == [*shipped]
    assert list(eras())[-2:] == ["2026", "toys"]
    assert eras_of_name("/Muon0/Run2026C-PromptReco-v1/NANOAOD") == ("2026",)
    assert eras_of_name("/Muon0/Run2026D-PromptReco-v1/NANOAOD") == ()
    assert eras_of_name("/TT/RunIII2026Winter26NanoAODv15-v1/NANOAODSIM") == ("2026",)
    place = CorrectionPlace.of("corrections://POG/LUM/2026_Prompt/puWeights.json.gz")
    assert place
    assert place.current == "LUM/Run3-26Prompt-Winter26-NanoAODv15/latest/puWeights.json.gz"
    assert era_of_corrections("corrections://POG/LUM/2026_Prompt/puWeights.json.gz") == "2026"


def test_a_file_of_the_project_replaces_the_shipped_one_of_its_year(project: Path) -> None:
    (project / "2018.yaml").write_text('lumi: {picobarns: {"2018": {tot: 1.0}}}\n')
    found = get_default_parameters()
    assert found.lumi.picobarns["2018"] == {"tot": 1.0}
    assert "2018" not in found.event_flags
    # What isn't of one year goes on top of eras.
    (project.parent / "mine.yaml").write_text('lumi: {picobarns: {"2018": {tot: 2.0}}}\n')
    assert get_default_parameters().lumi.picobarns["2018"].tot == 2.0


@check_each(
    ("text", "sentence"),
    [
        (
            "lumi: {picobarns: {}}\njets_calibration:\n  smearing_seed: 3\n",
            "lumi.picobarns in {file}:1 isn't of the year 2026: set it in another file of params/",
        ),
        (
            'lumi: {sqrt_s: {"2026": 13.6}}\njets_calibration:\n  smearing_seed: 3\n',
            "jets_calibration.smearing_seed in {file}:3 isn't of the year 2026: set it in another file of params/",
        ),
        (
            'lumi:\n  sqrt_s: {"2025": 13.6}\n',
            "lumi.sqrt_s.2025 in {file}:2 isn't of the year 2026: set it in another file of params/",
        ),
        (
            "lumi:\n  sqrt_s: {2026: 13.6}\n",
            "{file}:2 has the number 2026 as a key, write the year in quotes: '2026'",
        ),
    ],
)
def test_a_file_has_what_is_of_its_year(project: Path, text: str, sentence: str) -> None:
    file = project / "2026.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence.format(file=file))}$"):
        get_default_parameters()


@check_each(
    ("content", "sentence"),
    [
        ({"foldr": "a"}, "unknown key 'foldr' in section 'era' in a.yaml, did you mean 'folder'"),
        ({"data": "Run2026A"}, "era.data in a.yaml is 'Run2026A', expected a list of strings"),
        ({"data": [2026]}, "era.data in a.yaml is [2026], expected a list of strings"),
        ({"folder": 2026}, "era.folder in a.yaml is 2026, expected a string"),
        ({"borrowed": {"TAU": 2024}}, "era.borrowed in a.yaml is {'TAU': 2024}, expected a table of strings"),
        (["a"], "section 'era' in a.yaml is ['a'], expected a table"),
    ],
)
def test_mistakes_in_the_names_of_an_era(content: Any, sentence: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(sentence)):
        Era.read(content, "a.yaml")
