"""The short form of the comparison with PocketCoffea: all flows on few events."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import compare_pocketcoffea
from benchmarks.compare_pocketcoffea import compare, main, toys_for
from benchmarks.peer.known_differences import KNOWN
from benchmarks.peer.running import Settings
from benchmarks.peer.toys import make_toys
from pocket.parameters.defaults import get_default_parameters
from pocket.parameters.plain import to_plain

pytestmark = pytest.mark.slow

#: shape variations; columns and subsamples; scale factors
FLOWS = ("shapes", "columns", "ttbar_medium")
EVENTS = {"dy": 3000, "ttsemi": 2000, "wjets": 300, "data": 2000}


def test_numbers_are_those_of_pocketcoffea(peer: Path, tmp_path: Path) -> None:
    toys = make_toys(tmp_path / "toys", to_plain(get_default_parameters())["toys"], EVENTS)
    reports = compare(FLOWS, toys, peer, tmp_path, Settings(warm_up=0, at_once=True))
    assert [report.flow for report in reports] == list(FLOWS)
    for report in reports:
        found = report.agreement
        assert found.unexplained == []
        assert found.compared["sumw"] > 20
        assert found.largest["sumw"] > 0  # the same numbers, but summed in another way
    explained = {name for report in reports for name in report.agreement.explained}
    assert explained == {known.name for known in KNOWN}


def test_toys_have_one_main_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(compare_pocketcoffea, "make_toys", lambda folder, toys, events: asked.append((folder, events)))
    toys_for("ttsemi", tmp_path, 15)
    assert asked == [(tmp_path / "toys_ttsemi", {"dy": 2, "ttsemi": 15, "wjets": 2, "data": 2})]


def test_errors_are_messages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--flows", "ttbar_lage"]) == 1
    assert "ttbar_large" in capsys.readouterr().err
