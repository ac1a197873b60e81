from __future__ import annotations

from pathlib import Path

import pytest

from pocket.parameters.public_places import ROOT, CorrectionPlace, candidates, in_mirror, periods
from pocket.parameters.shipped import shipped_root

PERIOD = "Run3-22CDSep23-Summer22-NanoAODv12"


def place(name: str) -> CorrectionPlace:
    found = CorrectionPlace.of(name)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "old", "current"),
    [
        (
            "corrections://POG/JME/2022_Summer22/jet_jerc.json.gz",
            "POG/JME/2022_Summer22/jet_jerc.json.gz",
            f"JME/{PERIOD}/latest/jet_jerc.json.gz",
        ),
        (f"{ROOT}/JME/{PERIOD}/2026-06-05/a.json", "POG/JME/2022_Summer22/a.json", f"JME/{PERIOD}/2026-06-05/a.json"),
        (
            "corrections://POG/JME/jer_smear.json.gz",
            "POG/JME/jer_smear.json.gz",
            "JME/JER-Smearing/latest/jer_smear.json.gz",
        ),
        ("corrections://POG/JME/2031/a.json", "POG/JME/2031/a.json", ""),
        ("corrections://JME/Run4-29/latest/a.json", "", "JME/Run4-29/latest/a.json"),
    ],
)
def test_the_two_layouts(name: str, old: str, current: str) -> None:
    assert (place(name).old, place(name).current) == (old, current)
    assert place(place(name).name) == place(name)


def test_names_outside_of_the_layouts() -> None:
    for name in ("corrections://golden.json", "toys://POG/JME/2022_Summer22/a.json", "/some/POG/JME/2018_UL/a.json"):
        assert CorrectionPlace.of(name) is None
    # each name has one place in the other layout
    assert len(set(periods().values())) == len(periods())


def test_which_paths_are_searched(tmp_path: Path) -> None:
    old, latest = "POG/JME/2022_Summer22/a.json", f"JME/{PERIOD}/latest/a.json"
    cvmfs = (Path(ROOT), (latest,))
    roots = [tmp_path / "a", tmp_path / "b"]
    assert candidates("corrections", old, roots, False) == [*((root, (old, latest)) for root in roots), cvmfs]
    # what the user has chosen is all that is searched
    assert candidates("corrections", old, roots[:1], True) == [(roots[0], (old, latest))]
    # a tag is that version only, except in a root that was named with it
    dated = f"JME/{PERIOD}/2026-06-05/a.json"
    assert candidates("corrections", dated, roots[:1], True) == [(roots[0], (dated,))]
    assert candidates("corrections", f"/x/{dated}", roots, True) == [(Path("/x"), (dated, old))]
    assert candidates("corrections", f"/x/{old}", roots, True) == [(Path("/x"), (old, latest))]
    assert candidates("corrections", "a.json", roots[:1], False) == [(roots[0], ("a.json",))]


@pytest.mark.parametrize("place", ["POG/JME/2022_Summer22/a.json", f"JME/{PERIOD}/2026-06-05/a.json"])
def test_a_mirror_has_either_layout(place: str, tmp_path: Path) -> None:
    name = f"{ROOT}/JME/{PERIOD}/2026-06-05/a.json"
    assert in_mirror(name, [tmp_path]) == name
    copy = tmp_path / place
    copy.parent.mkdir(parents=True)
    copy.write_text("{}")
    assert in_mirror(name, [tmp_path / "none", tmp_path]) == str(copy)
    assert in_mirror("/elsewhere/a.json", [tmp_path]) == "/elsewhere/a.json"


def test_certified_sections_are_shipped_without_folders(tmp_path: Path) -> None:
    name = "Cert_Collisions2022_355100_362760_Golden.json"
    relative = f"Collisions22/{name}"
    shipped = (shipped_root() / "params/datacert", (name,))
    assert candidates("certification", relative, [tmp_path], False) == [(tmp_path, (relative,)), shipped]
    assert candidates("certification", relative, [tmp_path], True) == [(tmp_path, (relative,))]
