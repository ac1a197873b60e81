from __future__ import annotations

from pathlib import Path

import pytest

from pocket.compat.migration import report, uses_of
from pocket.errors import ConfigError
from tests.pocket.base.snapshots.test_siblings import write


def test_names_of_a_file_and_its_siblings(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        {
            "setup.py": "",
            "configs/config.py": "import workflow\nfrom common.cuts import *\n"
            "from pocket_coffea.lib.jets import jet_selection\n",
            "configs/workflow.py": "from pocket_coffea.workflows import base\nimport config, numpy\n",
            "configs/other.py": "from pocket_coffea.utils.rucio import query_dataset\n",
            "common/cuts.py": "def f():\n    from pocket_coffea.utils import rucio, plot_utils\n",
            "common/__init__.py": "from pocket_coffea.lib.objects import *\n"
            "from pocket_coffea.lib.jets import none, load_jet_factory\n",
        },
    )
    found = {(use.name, use.place): (use.kind, use.text) for use in uses_of(folder / "configs" / "config.py")}
    assert found.pop(("pocket_coffea.lib.jets.jet_selection", "configs/config.py:3")) == (
        "ours",
        "pocket.objects.jets.jet_selection",
    )
    assert found.pop(("pocket_coffea.workflows.base", "configs/workflow.py:1")) == ("theirs", "")
    assert found.pop(("pocket_coffea.lib.objects.*", "common/__init__.py:1")) == ("theirs", "")
    assert found.pop(("pocket_coffea.lib.jets.none", "common/__init__.py:2"))[0] == "unknown"
    assert {name.rpartition(".")[2]: kind for (name, _), (kind, _) in found.items()} == {
        "load_jet_factory": "refused",
        "rucio": "refused",
        "plot_utils": "refused",
    }


def test_report(tmp_path: Path) -> None:
    imports = "from pocket_coffea.utils.rucio import query_dataset, get_rucio_client\nimport pocket_coffea.nothing\n"
    folder = write(tmp_path, {"config.py": imports})
    lines = report(uses_of(folder / "config.py"), "it doesn't load").splitlines()
    assert lines[:3] == [
        "it doesn't load",
        "refused, with the replacement:",
        "  config.py:1: pocket_coffea.utils.rucio.query_dataset: `law run BuildDatasets` asks DBS and Rucio "
        "(docs/datasets.md)",
    ]
    assert lines[4:6] == [
        "not in PocketCoffea's head either:",
        "  config.py:2: pocket_coffea.nothing: there is no module pocket_coffea.nothing",
    ]
    assert "docs/pocketcoffea.md" in lines[-1]


def test_a_file_that_cant_be_parsed(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"config.py can't be parsed"):
        uses_of(write(tmp_path, {"config.py": "cfg = (\n"}) / "config.py")
