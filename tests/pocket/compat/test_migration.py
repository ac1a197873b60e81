from __future__ import annotations

from pathlib import Path

import pytest

from pocket.compat.migration import copy_sentence, report, uses_of, written_report
from pocket.compat.own_modules import OwnModules
from pocket.compat.package import Written
from pocket.compat.rewriting import Rewriting
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
        "pocket.objects.jet_selection",
    )
    assert found.pop(("pocket_coffea.workflows.base", "configs/workflow.py:1")) == ("theirs", "")
    assert found.pop(("pocket_coffea.lib.objects.*", "common/__init__.py:1")) == ("theirs", "")
    assert found.pop(("pocket_coffea.lib.jets.none", "common/__init__.py:2"))[0] == "unknown"
    assert {name.rpartition(".")[2]: kind for (name, _), (kind, _) in found.items()} == {
        "load_jet_factory": "refused",
        "rucio": "refused",
        "plot_utils": "refused",
    }


def test_a_fork_of_pocketcoffea_is_not_looked_at(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        {
            "setup.py": "",
            "configs/config.py": "from pocket_coffea.lib.jets import jet_selection\n",
            "pocket_coffea/__init__.py": "from pocket_coffea.utils.rucio import query_dataset\n",
            "pocket_coffea/lib/jets.py": "from pocket_coffea.lib.objects import *\n",
        },
    )
    config = folder / "configs" / "config.py"
    assert [use.place for use in uses_of(config)] == ["configs/config.py:1"]
    assert copy_sentence(config).startswith(f"\n{folder / 'pocket_coffea'} isn't used")
    (folder / "pocket_coffea" / "__init__.py").unlink()
    assert copy_sentence(config) == ""


def test_report(tmp_path: Path) -> None:
    imports = "from pocket_coffea.utils.rucio import query_dataset, get_rucio_client\nimport pocket_coffea.nothing\n"
    folder = write(tmp_path, {"config.py": imports})
    lines = report(uses_of(folder / "config.py"), "it doesn't load", None).splitlines()
    assert lines[:3] == [
        "it doesn't load",
        "refused, with the replacement:",
        "  config.py:1: pocket_coffea.utils.rucio.query_dataset: `law run BuildDatasets` asks DBS and Rucio "
        "(docs/reference/datasets.md)",
    ]
    assert lines[4:6] == [
        "not in PocketCoffea's head either:",
        "  config.py:2: pocket_coffea.nothing: there is no module pocket_coffea.nothing",
    ]
    assert "docs/reference/pocketcoffea.md" in lines[-1]


def test_what_differs_is_in_the_report() -> None:
    assert report([], "it loads", ["event flags of 2018"]).splitlines() == [
        "it loads",
        "what differs in numbers from PocketCoffea:",
        "  event flags of 2018",
    ]
    assert report([], "it loads", []).splitlines()[1:] == ["nothing is known to differ in numbers from PocketCoffea"]


def test_names_with_other_defaults(tmp_path: Path) -> None:
    folder = write(tmp_path, {"config.py": "from pocket_coffea.lib.cut_functions import get_HLTsel, min_nObj\n"})
    kinds = {use.name.rpartition(".")[2]: (use.kind, use.text) for use in uses_of(folder / "config.py")}
    # A function without a public name here is imported from where it is.
    assert kinds == {"get_HLTsel": ("similar", "pocket.cuts.get_HLTsel"), "min_nObj": ("theirs", "")}


def test_report_on_a_package(tmp_path: Path) -> None:
    path = write(tmp_path, {"config.py": ""}) / "config.py"
    rewriting = Rewriting(
        OwnModules(path),
        lambda file: file,
        ours={"Cut": "pocket.Cut"},
        theirs={"Configurator": "it leaves out names", "getGenLeptons": ""},
        written_out={"stop=9 of count_hist": ["config.py:2", "config.py:7"]},
    )
    assert written_report(Written(Path("/a/mine"), (Path("__init__.py"),), rewriting), "mine").splitlines() == [
        "wrote /a/mine, which loads: 1 file",
        "run it by: law run PlotTemplates --analysis mine --version v1",
        "imported from pocket now: 1 name",
        "imported from pocket_coffea still:",
        "  Configurator: it leaves out names",
        "  getGenLeptons",
        "written out, since the defaults differ:",
        "  config.py:2, config.py:7: stop=9 of count_hist",
    ]


def test_a_file_that_cant_be_parsed(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"config.py can't be parsed"):
        uses_of(write(tmp_path, {"config.py": "cfg = (\n"}) / "config.py")
