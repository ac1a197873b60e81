from __future__ import annotations

from pathlib import Path

import pytest

from pocket.parameters.public_places import PERIODS, ROOT, current_path, further_paths, in_mirror
from pocket.parameters.shipped import shipped_root

PERIOD = "Run3-22CDSep23-Summer22-NanoAODv12"


def test_the_two_layouts() -> None:
    assert current_path("POG/JME/2022_Summer22/jet_jerc.json.gz") == Path(
        ROOT, "JME", PERIOD, "latest/jet_jerc.json.gz"
    )
    assert current_path("POG/JME/2031/jet_jerc.json.gz") is None
    assert current_path("golden.json") is None
    assert len(set(PERIODS.values())) == len(PERIODS)


@pytest.mark.parametrize("place", ["POG/JME/2022_Summer22/a.json", f"JME/{PERIOD}/2026-06-05/a.json"])
def test_a_mirror_has_either_layout(place: str, tmp_path: Path) -> None:
    name = f"{ROOT}/JME/{PERIOD}/2026-06-05/a.json"
    assert in_mirror(name, [tmp_path]) == name
    copy = tmp_path / place
    copy.parent.mkdir(parents=True)
    copy.write_text("{}")
    assert in_mirror(name, [tmp_path / "none", tmp_path]) == str(copy)
    assert in_mirror("/elsewhere/a.json", [tmp_path]) == "/elsewhere/a.json"


def test_certified_sections_are_shipped_without_folders() -> None:
    name = "Cert_Collisions2022_355100_362760_Golden.json"
    assert further_paths("certification", f"Collisions22/{name}") == [shipped_root() / "params/datacert" / name]
    assert further_paths("corrections", "POG/JME/2022_Summer22/a.json") == [Path(ROOT, "JME", PERIOD, "latest/a.json")]
    assert further_paths("corrections", "a.json") == []
