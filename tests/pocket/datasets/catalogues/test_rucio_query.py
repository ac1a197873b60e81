from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from pocket.datasets.catalogues import rucio_query
from pocket.datasets.catalogues.rucio_query import Recorder


class Client:
    def list_replicas(self, dids: list[dict[str, str]]) -> list[dict[str, Any]]:
        assert dids == [{"scope": "cms", "name": "/a/b/c"}]
        return [{"name": "/store/a.root", "rses": {}}, {"name": "/store/b.root", "rses": {}}]


def test_recorder_keeps_names() -> None:
    recorder = Recorder(Client())
    records = list(recorder.list_replicas([{"scope": "cms", "name": "/a/b/c"}]))
    assert recorder.names == [record["name"] for record in records] == ["/store/a.root", "/store/b.root"]


def test_error_is_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(places: object) -> None:
        print("coffea prints")
        raise OSError("no\n CVMFS")

    monkeypatch.setattr(rucio_query, "site_addresses", fail)
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps({"places": []})))
    rucio_query.main()
    assert json.loads(capsys.readouterr().out) == {"error": "OSError: no CVMFS"}
