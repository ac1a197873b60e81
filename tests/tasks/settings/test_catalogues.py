from __future__ import annotations

import json
from pathlib import Path

import law
import pytest

from pocket.datasets.catalogues.settings import Settings, SiteRules
from pocket.datasets.check import Finding, Problem
from pocket.errors import UnknownNameError
from tasks.settings.catalogues import catalogue_settings, catalogues, print_findings
from tests.law_runner import Law
from tests.tasks.in_process import Here


def test_shipped_settings() -> None:
    assert catalogue_settings() == Settings()


@pytest.fixture
def definition(tmp_path: Path) -> Path:
    """A definition of open data."""
    path = tmp_path / "open.json"
    files = [{"open_data": [7], "metadata": {"year": "1", "isMC": False}}]
    path.write_text(json.dumps({"A": {"sample": "A", "files": files}}))
    return path


def test_settings_of_the_environment(definition: Path, tmp_path: Path) -> None:
    extra = {"LAW__catalogues__open_data_url": "http://127.0.0.1:1", "LAW__catalogues__retries": "0"}
    run = Law(tmp_path, extra).run("BuildDatasets", "--version", "v1", "--definition", str(definition))
    assert run.code != 0
    (sentence,) = run.errors
    assert "http://127.0.0.1:1/api/records/7 doesn't answer: " in sentence


def test_unknown_setting_ends_a_command(definition: Path, tmp_path: Path) -> None:
    law.config.set("catalogues", "retry", "0")
    try:
        run = Here(tmp_path).run("BuildDatasets", "--version", "v1", "--definition", str(definition))
    finally:
        law.config.remove_option("catalogues", "retry")
    assert run.code != 0
    assert "unknown option 'retry' in [catalogues] of law.cfg, did you mean 'retries'" in run.errors[0]


def test_settings_of_law(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(law.config, "options", lambda section: ["allow_sites", "timeout", "redirector"])
    values = {"allow_sites": "T2_A,T2_B", "timeout": "3", "redirector": ""}
    monkeypatch.setattr(law.config, "get_expanded", lambda section, option: values[option])
    assert catalogue_settings() == Settings(sites=SiteRules(allow=("T2_A", "T2_B")), timeout=3.0)
    monkeypatch.setattr(law.config, "options", lambda section: ["allow_site"])
    values["allow_site"] = "T2_A"
    sentence = r"unknown option 'allow_site' in \[catalogues\] of law.cfg, did you mean 'allow_sites'"
    with pytest.raises(UnknownNameError, match=sentence):
        catalogue_settings()


def test_memory_is_in_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_STORE", str(tmp_path))
    assert catalogues().folder == tmp_path / "cache" / "catalogues"
    assert not catalogues().fresh
    assert catalogues(fresh=True).fresh


def test_table(capsys: pytest.CaptureFixture[str]) -> None:
    url = f"root://host.example//store/{'x' * 60}.root"
    print_findings([Finding("DY_2018", url, Problem.VANISHED, "no such file [3011]")])
    text = capsys.readouterr().out
    for part in ("vanished", "DY_2018", url, "no such file [3011]"):
        assert part in text
