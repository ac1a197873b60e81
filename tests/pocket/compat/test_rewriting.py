from __future__ import annotations

import ast
from pathlib import Path

import pytest

from pocket.compat import histograms, rewriting, workflow
from pocket.compat.own_modules import OwnModules
from pocket.compat.rewriting import ONLY_THERE, Rewriting
from pocket.compat.source_edits import Source
from pocket.errors import ConfigError
from tests.pocket.base.snapshots.test_siblings import write

CUTS = "pocket_coffea.lib.cut_functions"
CONFIGURATOR = "from pocket_coffea.utils.configurator import Configurator\n"
SEQUENCE = "default_calibrators_sequence"
THERE = f"from pocket_coffea.lib.calibrators.common import {SEQUENCE}  # {ONLY_THERE}\n"


@pytest.fixture(autouse=True)
def nothing_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget which functions of histograms have left out fields in other tests."""
    left_out: set[str] = set()
    for module in (histograms, rewriting):
        monkeypatch.setattr(module, "LEFT_OUT", left_out)


def rewrite(folder: Path, files: dict[str, str], name: str = "config.py", needs: tuple[str, ...] = ()) -> str:
    """Return the rewritten text of a file in a folder that becomes a package."""
    root = write(folder, files)
    modules = OwnModules(root / "config.py")
    return Rewriting(modules, lambda path: path.relative_to(root), needs).text(modules.modules[root / name])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # only the name of the module changes
        (f"from {CUTS} import (get_nObj_min,  # one\n  goldenJson)", None),
        (
            f"from {CUTS} import get_nObj_min, apply_golden_json",
            f"from pocket.cuts import get_nObj_min\nfrom {CUTS} import apply_golden_json  # {ONLY_THERE}",
        ),
        (
            "from pocket_coffea.lib.weights.common.common import SF_mu_id, genWeight as gw",
            "from pocket.weights import MuonId as SF_mu_id, GenWeight as gw",
        ),
        (
            "from pocket_coffea.lib.objects import getGenLeptons",
            f"from pocket_coffea.lib.objects import getGenLeptons  # {ONLY_THERE}",
        ),
        (
            "from pocket_coffea.parameters.histograms import *\nx = jet_hists(), HistConf, math.pi",
            "import math\nfrom pocket.histograms import HistConf, jet_hists\nx = jet_hists(), HistConf, math.pi",
        ),
        (
            "from pocket_coffea.parameters import defaults\nx = defaults.get_default_parameters()",
            "from pocket.compat import parameters as defaults\nx = defaults.get_default_parameters()",
        ),
        (
            "import pocket_coffea.lib.jets as jets\njets.jet_selection",
            "from pocket import objects as jets\njets.jet_selection",
        ),
        ("import pocket_coffea.lib.jets as jets\nf(jets)", "import pocket_coffea.lib.jets as jets\nf(jets)"),
        ("import numpy as np", "import numpy as np"),
        # fields of tuples have no such names in awkward 2
        ("x = jets[pairs.slot0] + (a\n. slot1), b.slot10", 'x = jets[pairs["0"]] + (a\n["1"]), b.slot10'),
        ("(a + b) .slot1.slot0", '(a + b) ["1"]["0"]'),
    ],
)
def test_imports_of_pocketcoffea(tmp_path: Path, text: str, expected: str | None) -> None:
    if expected is None:
        expected = text.replace(CUTS, "pocket.cuts")
    assert rewrite(tmp_path, {"config.py": f"{text}\n"}) == f"{expected}\n"


def test_imports_of_own_modules(tmp_path: Path) -> None:
    files = {
        "config.py": "import os, workflow\nimport deep.cuts as c\nfrom deep import cuts as d\nfrom workflow import *\n"
        "workflow, c, d\n",
        "workflow.py": "from config import x\n",
        "deep/cuts.py": "import workflow\nfrom deep.other import y\nworkflow\n",
        "deep/other.py": "",
    }
    assert rewrite(tmp_path, files) == (
        "import os\nfrom . import workflow\nfrom .deep import cuts as c\nfrom .deep import cuts as d\n"
        "from .workflow import *\nworkflow, c, d\n"
    )
    assert rewrite(tmp_path, files, "deep/cuts.py") == "from .. import workflow\nfrom .other import y\nworkflow\n"


def test_registrations_go_with_what_only_they_use(tmp_path: Path) -> None:
    text = (
        "# Register for cloudpickle\nimport cloudpickle\nimport workflow\nfrom workflow import x\n"
        "cloudpickle.register_pickle_by_value(workflow)  # workers\nx\n"
    )
    assert rewrite(tmp_path, {"config.py": text, "workflow.py": ""}) == "from .workflow import x\nx\n"


def test_names_of_a_star_that_another_module_uses(tmp_path: Path) -> None:
    files = {
        "config.py": "from cuts import *\nx = get_nObj_eq(1)\n",
        "cuts.py": f"from {CUTS} import *\ny = get_nObj_min(1)\n",
    }
    assert (
        rewrite(tmp_path, files, "cuts.py")
        == "from pocket.cuts import get_nObj_eq, get_nObj_min\ny = get_nObj_min(1)\n"
    )


def test_defaults_that_differ_are_written_out(tmp_path: Path) -> None:
    text = (
        f"from {CUTS} import get_HLTsel\nfrom pocket_coffea.parameters.histograms import count_hist\n"
        "x = [get_HLTsel(), get_HLTsel(['A'], False), get_HLTsel(invert=True)]\n"
        "y = count_hist('Jet'), count_hist('Jet', stop=4), count_hist('Jet', 4, 0, 4)\n"
    )
    assert rewrite(tmp_path, {"config.py": text}) == (
        "from pocket.cuts import get_HLTsel\nfrom pocket.histograms import count_hist\n"
        'x = [get_HLTsel(on_missing="false"), get_HLTsel([\'A\'], False, on_missing="false"), '
        'get_HLTsel(invert=True, on_missing="false")]\n'
        "y = count_hist('Jet', stop=9), count_hist('Jet', stop=4), count_hist('Jet', 4, 0, 4)\n"
    )


@pytest.mark.parametrize("use", ["f(get_HLTsel)", "get_HLTsel(*a)", "get_HLTsel(**a)", "m.get_HLTsel()"])
def test_a_function_stays_if_its_defaults_cant_be_written_out(tmp_path: Path, use: str) -> None:
    text = f"from {CUTS} import get_HLTsel\nget_HLTsel()\n{use}\n"
    assert rewrite(tmp_path, {"config.py": text}) == (
        f"from {CUTS} import get_HLTsel  # {ONLY_THERE}\nget_HLTsel()\n{use}\n"
    )


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("Configurator(a=1)", f"Configurator(a=1, calibrators={SEQUENCE})"),
        ("Configurator(calibrators=None)", f"Configurator(calibrators={SEQUENCE})"),
        ("Configurator(calibrators=[])", "Configurator(calibrators=[])"),
    ],
)
def test_the_default_calibrators_are_written_out(tmp_path: Path, call: str, expected: str) -> None:
    found = rewrite(tmp_path, {"config.py": f"{CONFIGURATOR}cfg = {call}\n"})
    begin = THERE if SEQUENCE in expected else ""
    assert found == f"{begin}from pocket import Configurator\ncfg = {expected}\n"


@pytest.mark.parametrize("call", ["Configurator(a)", "Configurator(**a)"])
def test_positional_arguments_need_their_configurator(tmp_path: Path, call: str) -> None:
    text = f"{CONFIGURATOR}cfg = {call}\n"
    assert rewrite(tmp_path, {"config.py": text}) == text.replace("\n", f"  # {ONLY_THERE}\n", 1)


def test_a_configuration_may_need_their_configurator(tmp_path: Path) -> None:
    text = f"{CONFIGURATOR}cfg = Configurator(calibrators=[])\n"
    assert ONLY_THERE in rewrite(tmp_path, {"config.py": text}, needs=("it leaves out names",))


def test_a_list_of_weights_with_others(tmp_path: Path) -> None:
    text = "from pocket_coffea.lib.weights.common import common_weights\n"
    root = write(tmp_path, {"config.py": text})

    def text_with(weights: tuple[str, ...]) -> str:
        modules = OwnModules(root / "config.py")
        return Rewriting(modules, lambda path: path, weights=weights).text(modules.modules[root / "config.py"])

    assert text_with(()) == "from pocket.weights import common_weights\n"
    assert text_with(("sf_ctag",)) == text.replace("\n", f"  # {ONLY_THERE}\n")


def test_workflows_with_what_only_theirs_have(tmp_path: Path) -> None:
    begin = "from pocket_coffea.workflows.base import BaseProcessorABC\n"
    ours = "class W(BaseProcessorABC):\n    def f(self, cfg):\n        self.events\n"
    assert rewrite(tmp_path, {"config.py": begin + ours}) == f"from pocket import BaseProcessorABC\n{ours}"
    for theirs in ("self.delayed_branches", "self._era", "self._metadata['era']", "self.output"):
        text = begin + ours.replace("self.events", theirs)
        assert rewrite(tmp_path / theirs.strip("']"), {"config.py": text}) == text.replace(
            "\n", f"  # {ONLY_THERE}\n", 1
        )


@pytest.mark.parametrize(
    ("use", "stays"),
    [
        ("self.events.PuppiMET + lepton", True),
        ("lepton - self.events['MET']", True),
        ("met = self.events.MET\n        met + lepton", True),
        ("ak.zip({'pt': pt}, with_name='PtEtaPhiMCandidate')", True),
        ("ak.zip(fields, 'PtEtaPhiMCandidate')", True),
        ("self.events.MET.pt + lepton.pt", False),
        ("ak.zip({'pt': pt, 'charge': one}, with_name='PtEtaPhiMCandidate')", False),
    ],
)
def test_workflows_with_vectors_as_in_coffea_0_7(tmp_path: Path, use: str, stays: bool) -> None:
    begin = "from pocket_coffea.workflows.base import BaseProcessorABC\n"
    text = f"{begin}class W(BaseProcessorABC):\n    def f(self):\n        {use}\n"
    found = rewrite(tmp_path, {"config.py": text})
    assert found.startswith(begin.replace("\n", f"  # {ONLY_THERE}\n") if stays else "from pocket import")


def test_histograms_of_fields_that_arent_there(tmp_path: Path) -> None:
    text = "from pocket_coffea.parameters.histograms import jet_hists\n"
    assert rewrite(tmp_path / "ours", {"config.py": text}) == "from pocket.histograms import jet_hists\n"
    histograms.jet_hists(fields=["pt", "nothing"])
    assert ONLY_THERE in rewrite(tmp_path / "theirs", {"config.py": text})


def test_attributes_of_their_workflow_are_known() -> None:
    """Each attribute that PocketCoffea's workflow sets here keeps its import."""
    tree = Source(Path(workflow.__file__)).tree
    (cls,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "BaseProcessorABC")
    set_here = {
        target.attr
        for node in ast.walk(cls)
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for part in (node.targets if isinstance(node, ast.Assign) else [node.target])
        for target in ast.walk(part)
        if isinstance(target, ast.Attribute) and isinstance(target.ctx, ast.Store)
    }
    # _metadata is found by its key "era", the only one that differs.
    assert set_here - {"_metadata"} <= rewriting.WORKFLOW_ATTRIBUTES


def test_modules_outside_of_the_package(tmp_path: Path) -> None:
    root = write(tmp_path, {"config.py": "import other\nother\n", "other.py": ""})
    modules = OwnModules(root / "config.py")
    rewriting = Rewriting(modules, lambda path: path.relative_to(root) if path.name == "config.py" else None)
    with pytest.raises(ConfigError, match=r"config.py:1: .*other.py is outside of the package"):
        rewriting.text(modules.modules[root / "config.py"])
