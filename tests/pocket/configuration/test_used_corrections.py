from __future__ import annotations

from pathlib import Path

import pytest

from pocket.configuration.analysis import Analysis
from pocket.configuration.used_corrections import check_files, used_corrections
from pocket.errors import ConfigError
from pocket.parameters.tags import rename
from pocket.scale_factors import Imported
from pocket.weights.base import WeightWrapper
from pocket.weights.scale_factor import ScaleFactorWeight
from tests.pocket.configs import configure

FILE = "corrections://POG/MUO/2018_UL/muon_Z.json.gz"
DATED = "corrections://MUO/Run2-2018-UL-NanoAODv9/2025-01-01/muon_Z.json.gz"


class Weight(WeightWrapper):
    """A weight with two corrections."""

    name = "mine"

    def corrections(self) -> list[tuple[str, str]]:
        """Return a correction twice, and one that has no group."""
        return [(FILE, "id"), (FILE, "id"), ("/my/file.json", "sf")]


def make_analysis() -> Analysis:
    iso = ScaleFactorWeight.wrap("sf_iso", scale_factor="iso", collection="Muon")
    config = configure(weights={"common": {"inclusive": ["genWeight", Weight, iso]}})
    keys = {"nominal": "sf", "up": "sfup", "down": "sfdown"}
    imported = Imported(file=FILE, correction="iso", systematic="kind", keys=keys)
    return Analysis(name="a", configs={"main": config}, default_config="main", scale_factors={"iso": imported})


def test_what_a_configuration_uses() -> None:
    tags = {"MUO": "2025-01-01"}
    used = used_corrections(make_analysis(), "main", lambda name: name, lambda name: rename(name, tags))
    found = [(one.name, one.left, one.right) for one in used]
    assert found == [("id", FILE, DATED), ("sf", "/my/file.json", "/my/file.json"), ("iso", FILE, DATED)]
    assert all(user.startswith("weight mine, ") for user in used[0].users)
    assert used[2].users == ("scale factor iso",)


def test_a_side_without_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_CORRECTIONS", str(tmp_path))
    used = used_corrections(make_analysis(), "main", lambda name: name, lambda name: rename(name, {"all": "latest"}))
    (tmp_path / "POG/MUO/2018_UL").mkdir(parents=True)
    (tmp_path / "POG/MUO/2018_UL/muon_Z.json.gz").touch()
    check_files(used, "left")
    with pytest.raises(
        ConfigError, match=rf"the corrections on the right: corrections://MUO/\S* is not in {tmp_path}: "
    ):
        check_files(used, "right")
