from __future__ import annotations

from pathlib import Path

import pytest

from pocket.compat.own_modules import OwnModules, dotted_parts
from pocket.errors import ConfigError
from tests.pocket.base.snapshots.test_siblings import write

FILES = {
    "setup.py": "",
    "configs/__init__.py": "",
    "configs/first/config.py": "import cloudpickle\nimport configs\nimport workflow\nfrom params.axes import axes\n"
    "import configs.common.cuts as cuts\nfrom cuts_of_mine import *\n"
    "cloudpickle.register_pickle_by_value(configs)\ncloudpickle.register_pickle_by_value(cuts)\n",
    "configs/first/workflow.py": "def late():\n    from configs.common import late_one\n",
    "configs/first/cuts_of_mine.py": "import numpy\nfrom configs.common.cuts import cut\n",
    "configs/first/params/axes.py": "axes = {}\n",
    "configs/first/unused.py": "",
    "configs/common/cuts.py": "from .inner import cut\n",
    "configs/common/inner.py": "cut = 1\n",
    "configs/common/late_one.py": "",
    "numpy/__init__.py": "",
}


@pytest.fixture
def modules(tmp_path: Path) -> OwnModules:
    return OwnModules(write(tmp_path, FILES) / "configs" / "first" / "config.py")


def test_modules_that_are_imported(modules: OwnModules) -> None:
    found = {str(path.relative_to(modules.root)) for path in modules.modules}
    assert found == {
        "configs/__init__.py",
        "configs/first/config.py",
        "configs/first/workflow.py",
        "configs/first/cuts_of_mine.py",
        "configs/first/params/axes.py",
        "configs/common/cuts.py",
        "configs/common/inner.py",
        "configs/common/late_one.py",
    }


def test_names_that_are_only_registered(modules: OwnModules) -> None:
    config = next(module for path, module in modules.modules.items() if path.name == "config.py")
    assert config.needless == {"cloudpickle", "configs", "cuts"}
    assert len(config.registrations) == 2


def test_where_a_module_is(modules: OwnModules) -> None:
    first = modules.root / "configs" / "first"
    assert modules.find("workflow") == first / "workflow.py"
    assert modules.find("params") == first / "params"
    assert modules.find("configs.common.cuts") == modules.root / "configs" / "common" / "cuts.py"
    # What is installed goes before the root of the repository.
    assert modules.find("numpy") is None
    assert modules.find("nowhere") is None


def test_names_that_others_use_through_a_module(modules: OwnModules) -> None:
    inner = modules.root / "configs" / "common" / "inner.py"
    assert {"cut", "axes"} <= modules.wider_use(inner)
    assert "late_one" not in modules.wider_use(modules.root / "configs" / "first" / "params" / "axes.py")


def test_names_that_cant_be_imported() -> None:
    assert dotted_parts(Path("a/b/__init__.py"), "x") == ("a", "b")
    with pytest.raises(ConfigError, match=r"config.py:1: 'a-b' can't be part of the name of a module"):
        dotted_parts(Path("a-b/c.py"), "config.py:1")
