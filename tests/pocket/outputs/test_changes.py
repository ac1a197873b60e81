from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from pocket.corrections.comparison import UsedCorrection, compare_corrections, compare_names
from pocket.histograms.comparison import compare_templates
from pocket.outputs.changes import Changes
from tests.pocket.correction_files import binned, write_corrections
from tests.pocket.corrections.test_comparison import EDGES, value
from tests.pocket.histograms.test_comparison import filled, write


@pytest.fixture
def changes(tmp_path: Path) -> Changes:
    files = [
        write_corrections(
            tmp_path / f"{factor}.json",
            binned("id", EDGES, value(factor), "kind"),
            binned(f"n{factor}", EDGES, value(), "kind"),
        )
        for factor in (1.0, 1.5)
    ]
    used = [UsedCorrection("corrections://a.json", name, ("weight sf, 2018",), *files) for name in ("id", "n1.0")]
    used.append(UsedCorrection("toys://b.json", "other", (), "toys://b.json", "toys://b.json"))
    sides = [
        write(tmp_path / f"{factor}", {"pt": {"DY": filled({"nominal": factor, "sfUp": 2 * factor}, [10.0, 30.0])}})
        for factor in (1.0, 1.25)
    ]
    compared = list(compare_templates(*sides))
    return Changes("main", "current", "latest", compare_corrections(used), compare_names(used), compared)


def test_the_terminal(changes: Changes) -> None:
    text = changes.text(most=1)
    blocks = text.split("\n\n")
    assert blocks[0].splitlines() == [
        "corrections of main: current (left) and latest (right)",
        "3 used, with the parts of compound ones: 1 different, 1 only left, 1 same file",
    ]
    assert blocks[1].splitlines()[2].split()[:4] == ["id", "different", "12", "1"]
    assert blocks[1].endswith("and 1 more")
    assert blocks[2].splitlines()[0] == "bins that differ: 1"
    assert "kind up, eta 1 to 2 and above, pt 20 to 50 and below" in blocks[2]
    assert blocks[3].splitlines()[0] == "in the files of one side only: 2"
    assert blocks[4].splitlines()[0] == "templates: 1 of 2 differ"
    assert blocks[4].splitlines()[2].split()[:7] == ["DY", "all", "pt", "2", "2.5", "0.5", "1.25"]
    assert blocks[5].splitlines()[2].split()[:4] == ["DY", "all", "sfUp", "pt"]


def test_the_files(changes: Changes) -> None:
    files = changes.files()
    content = json.loads(files["changes.json"])
    (row,) = csv.DictReader(io.StringIO(files["correction_bins.csv"]))
    assert (float(row["left"]), float(row["right"]), float(row["ratio"])) == (1.5, 2.25, 1.5)
    assert content["correction_bins"][0]["inputs"] == {
        "kind": "up",
        "eta": "1 to 2 and above",
        "pt": "20 to 50 and below",
    }
    for name in ("corrections", "names", "templates", "template_bins", "variations"):
        assert len(list(csv.DictReader(io.StringIO(files[f"{name}.csv"])))) == len(content[name])
    assert len(content["template_bins"]) == 2
    alone = Changes("main", "a", "b", changes.corrections, changes.names, None)
    assert "templates.csv" not in alone.files()
    assert "templates" not in alone.text(5)


def test_templates_that_a_side_lacks_are_listed(changes: Changes, tmp_path: Path) -> None:
    one = filled({"nominal": 1.0, "sfUp": 1.0}, [10.0])
    sides = [write(tmp_path / "a", {"pt": {"DY": one}}), write(tmp_path / "b", {"pt": {"DY": one, "TT": one}})]
    templates = list(compare_templates(*sides))
    text = Changes("main", "a", "b", changes.corrections, changes.names, templates).text(5)
    assert "templates: 2 of 4 differ" in text
    nominal, varied = text.split("\n\n")[-2:]
    assert [line.split()[:3] for line in nominal.splitlines()[2:]] == [["TT", name, "pt"] for name in ("all", "none")]
    assert [line.split()[:3] for line in varied.splitlines()[2:]] == [["TT", name, "sfUp"] for name in ("all", "none")]
