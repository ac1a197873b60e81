from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.foreign_files import main, tallies

MC = {"year": "2018", "isMC": "True", "xsec": "1.0"}


def test_files_are_told_apart_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {
        "datasets/mine.json": {"DY": {"sample": "DY", "files": [{"das_names": ["/DY/x/NANOAODSIM"], "metadata": MC}]}},
        "datasets/wrong.json": {"DY": {"sample": "DY", "files": [{"das_name": ["/DY/x/NANOAODSIM"], "metadata": MC}]}},
        "datasets/built.json": {"DY_2018": {"metadata": {**MC, "sample": "DY"}, "files": ["a.root"]}},
        "other.json": {"edges": [0, 1]},
        "build/other.yaml": {"lumi": {"picobarn": 1}},
        "params/mine.yaml": {"mine": {"a": 1}},
        "params/style.yaml": {"plotting_style": {"fontsize": 22, "label_mc": {}}},
    }
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content))
    found = tallies([tmp_path])
    assert {kind: (tally.accepted, tally.total) for kind, tally in found.items()} == {
        "definitions": (1, 2),
        "filesets": (1, 1),
        "parameters": (1, 2),
        "styles": (0, 1),
    }
    main([str(tmp_path)])
    printed = capsys.readouterr().out
    assert "definitions: 1 of 2\n  1 × unknown key 'das_name' in dataset 'DY', files[0] in FILE, did" in printed
