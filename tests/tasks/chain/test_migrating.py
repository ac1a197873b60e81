from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tests.tasks.in_process import Here
from tests.tasks.test_plain_files import PLAIN


@pytest.fixture(autouse=True)
def _search_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the search path, to which loading a configuration file adds its folders."""
    monkeypatch.setattr(sys, "path", [*sys.path])


@pytest.mark.slow
def test_report_on_a_configuration_file(tmp_path: Path) -> None:
    shutil.copytree(PLAIN, tmp_path / "repository", ignore=shutil.ignore_patterns("__pycache__"))
    path = tmp_path / "repository" / "configs" / "dimuon" / "config.py"
    law = Here(tmp_path)
    result = law.run("Migrate", "--analysis", "repository/configs/dimuon/config.py")
    assert result.code == 0, result.text
    assert f"{path} loads: 2 datasets, 2 categories, 4 histograms\n" in result.text
    assert (
        "  configs/dimuon/workflow.py:4: pocket_coffea.lib.objects.lepton_selection: pocket.objects.lepton_selection\n"
        in result.text
    )
    assert "nothing is known to differ in numbers from PocketCoffea" in result.text
    path.write_text(f"{path.read_text()}\nfrom pocket_coffea.utils.plot_utils import PlotManager\nPlotManager()\n")
    broken = law.run("Migrate", "--analysis", str(path), "--write", "--to", "mine")
    assert broken.code != 0
    assert broken.errors == [f"{path} doesn't load, so no package was written"]
    assert not (tmp_path / "mine").exists()
    reported = law.run("Migrate", "--analysis", str(path))
    assert reported.code != 0
    assert reported.errors == [f"{path} doesn't load, for the reason that is printed above"]
    assert (
        f"{path} doesn't load: pocket_coffea.utils.plot_utils.PlotManager of PocketCoffea isn't here: `law"
        in broken.text
    )
    number = len(path.read_text().splitlines()) - 1
    assert f"  configs/dimuon/config.py:{number}: pocket_coffea.utils.plot_utils.PlotManager: `law run" in broken.text
    missing = law.run("Migrate", "--analysis", "nowhere.py")
    assert missing.code != 0
    assert missing.errors == [f"--analysis {tmp_path}/nowhere.py: there is no such file"]
    assert not (tmp_path / "store").exists()


@pytest.mark.slow
@pytest.mark.parametrize("config", ["dimuon", "single"])
def test_a_written_package_gives_the_same_numbers(tmp_path: Path, config: str) -> None:
    shutil.copytree(PLAIN, tmp_path / "repository", ignore=shutil.ignore_patterns("__pycache__"))
    law = Here(tmp_path)
    file = f"repository/configs/{config}/config.py"
    written = law.run("Migrate", "--analysis", f"repository/../{file}", "--write", "--to", "mine")
    assert written.code == 0, written.text
    assert f"wrote {tmp_path / 'mine'}, which loads: " in written.text
    again = law.run("Migrate", "--analysis", file, "--write", "--to", "mine")
    assert again.errors == [f"{tmp_path / 'mine'} exists: name another folder by --to, or remove it"]
    contents = []
    for analysis in (file, str(tmp_path / "mine")):
        result = law.run("MergeOutputs", "--analysis", analysis, "--version", "v1", "--cores", "1")
        assert result.code == 0, result.text
        (merged,) = law.outputs("MergeOutputs", config)
        contents.append({path.name: path.read_bytes() for path in merged.glob("*.h5")})
        shutil.rmtree(merged)
    assert contents[0] == contents[1] != {}
