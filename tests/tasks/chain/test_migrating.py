from __future__ import annotations

import shutil
from pathlib import Path

from tests.law_runner import Law
from tests.tasks.test_plain_files import PLAIN


def test_report_on_a_configuration_file(tmp_path: Path) -> None:
    shutil.copytree(PLAIN, tmp_path / "repository", ignore=shutil.ignore_patterns("__pycache__"))
    path = tmp_path / "repository" / "configs" / "dimuon" / "config.py"
    law = Law(tmp_path)
    result = law.run("Migrate", "--analysis", "repository/configs/dimuon/config.py")
    assert result.code == 0, result.text
    assert f"{path} loads: 2 datasets, 2 categories, 4 histograms\n" in result.text
    assert (
        "  configs/dimuon/workflow.py:4: pocket_coffea.lib.objects.lepton_selection: pocket.objects.leptons."
        in result.text
    )
    path.write_text(f"{path.read_text()}\nfrom pocket_coffea.utils.plot_utils import PlotManager\n")
    broken = law.run("Migrate", "--analysis", str(path))
    assert broken.code == 0, broken.text
    assert f"{path} doesn't load: pocket_coffea.utils.plot_utils of PocketCoffea isn't here: `law run" in broken.text
    number = len(path.read_text().splitlines())
    assert f"  configs/dimuon/config.py:{number}: pocket_coffea.utils.plot_utils.PlotManager: `law run" in broken.text
    missing = law.run("Migrate", "--analysis", "nowhere.py")
    assert missing.code != 0
    assert missing.errors == [f"--analysis {tmp_path}/nowhere.py: there is no such file"]
    assert not (tmp_path / "store").exists()
