from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest

from pocket.configuration.notes import vanishing_notes
from pocket.parameters.defaults import get_default_parameters
from tests.group_files import RUN_3, UL, needs_files
from tests.group_files import group_files as group_files
from tests.pocket.configs import configure


def notes(folder: Path, year: str, *weights: str) -> list[str]:
    metadata = {"year": year, "isMC": True, "xsec": 1.0}
    definitions = folder / "datasets.json"
    files = [{"das_names": ["/TT/x/NANOAODSIM"], "metadata": metadata}]
    definitions.write_text(json.dumps({"TT": {"sample": "TT", "files": files}}))
    return list(
        vanishing_notes(
            configure(
                parameters=get_default_parameters(),
                datasets={"jsons": [str(definitions)]},
                weights={"common": {"inclusive": ["genWeight", "lumi", "XS", *weights]}},
            )
        )
    )


def working_points(correction: Any) -> set[str]:
    """Return those with a number below the key sfdown that is 0 or less."""
    (of_year,) = (item["value"] for item in correction["data"]["content"])
    (down,) = (item["value"] for item in of_year["content"] if item["key"] == "sfdown")
    return {item["key"] for item in down["content"] if min(item["value"]["content"]) <= 0}


@needs_files
@pytest.mark.parametrize("year", [*UL, *RUN_3])
def test_electrons_in_the_gap_and_others(tmp_path: Path, group_files: Path, year: str) -> None:
    path = group_files / "POG" / "EGM" / {**UL, **RUN_3}[year] / "electron.json.gz"
    (correction,) = json.loads(gzip.decompress(path.read_bytes()))["corrections"]
    (note,) = notes(tmp_path, year, "sf_ele_id", "sf_ele_reco", "sf_mu_id", "sf_jet_puId" if year in UL else "pileup")
    file = f"corrections://POG/EGM/{path.parent.name}/electron.json.gz"
    assert note.startswith(f"{correction['name']} of {file} is 0 or less for sfdown in bins of ")
    listed = re.findall(r"in bins of (.*), mostly in the transition", note)[0].split(", ")
    assert listed == sorted(working_points(correction)) != []
    assert f"select no objects of {year} there" in note


@needs_files
@pytest.mark.usefixtures("group_files")
def test_files_without_such_bins_and_others_have_no_notes(tmp_path: Path) -> None:
    assert notes(tmp_path, "2018", "sf_pho_id", "sf_mu_id", "sf_jet_puId", "pileup") == []


def test_files_that_are_not_here_have_no_notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_CORRECTIONS", str(tmp_path))
    assert notes(tmp_path, "2018", "sf_ele_id") == []
