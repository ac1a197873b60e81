"""The rules of the house: who imports whom, how light start-up is, how large modules are, that each has its tests."""

from __future__ import annotations

import ast
import json
import os
import pkgutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest

import analysis
import tasks
from tasks.chain.merging import MergeBranches
from tasks.chain.plotting import PlotTemplates
from tasks.chain.processing import RunProcessor
from tests import house

REPOSITORY = Path(__file__).absolute().parents[1]
#: largest number of classes of this project that a task is made of, itself among them
MAX_BASES = 10
MAX_LINES = 600
MAX_SECONDS = 1.0
HEAVY_FOR_TASKS = {"awkward", "coffea", "dask", "distributed", "matplotlib", "numba"}
HEAVY_FOR_ANALYSES = {
    "coffea",
    "correctionlib",
    "distributed",
    "hist",
    "iminuit",
    "matplotlib",
    "mplhep",
    "numba",
    "scipy",
    "uproot",
}
#: modules of the statistics that read an analysis and its templates; all others stand alone
OF_AN_ANALYSIS = {
    "building",
    "checks",
    "combined",
    "consistency",
    "declarations",
    "declared_places",
    "regions",
    "shared_events",
    "shifts",
    "treatment",
}

IMPORT = """
import importlib, json, sys, time
start = time.process_time()
for name in sys.argv[1:]:
    importlib.import_module(name)
seconds = time.process_time() - start
print(json.dumps([seconds, sorted({module.partition(".")[0] for module in sys.modules})]))
"""


def import_anew(names: Iterable[str]) -> tuple[float, set[str]]:
    """Import modules in a new process; return the seconds of CPU it took and the packages loaded at the end."""
    command = [sys.executable, "-c", IMPORT, *names]
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    seconds, loaded = json.loads(result.stdout)
    return seconds, set(loaded)


def sources(*folders: str) -> list[Path]:
    """Return the Python files of some folders, relative to the repository."""
    found = [path.relative_to(REPOSITORY) for folder in folders for path in (REPOSITORY / folder).rglob("*.py")]
    assert found
    return sorted(found)


def test_import_contracts() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


def test_parts_that_stand_alone_know_no_other_package_and_no_new_one() -> None:
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = [
        contract
        for contract in settings["tool"]["importlinter"]["contracts"]
        if contract["name"].endswith(" stand alone") and contract["type"] == "forbidden"
    ]
    assert len(contracts) == 2
    others = {room for room in house.rooms() if room.startswith("pocket.")} - {"pocket.base", "pocket.errors"}
    for contract in contracts:
        named = [*contract["source_modules"], *contract["forbidden_modules"]]
        assert others <= {".".join(module.split(".")[:2]) for module in named}
        assert not {"ignore_imports", "allow_indirect_imports"} & contract.keys()
    alone = {module.removeprefix("pocket.statistics.") for module in contracts[1]["source_modules"]}
    statistics = {module.name for module in pkgutil.iter_modules([str(REPOSITORY / "pocket" / "statistics")])}
    assert alone == statistics - OF_AN_ANALYSIS


def test_importing_all_tasks_is_light() -> None:
    names = [module.name for module in pkgutil.walk_packages(tasks.__path__, "tasks.")]
    assert names
    seconds, loaded = min(import_anew(names) for _ in range(3))
    assert loaded & HEAVY_FOR_TASKS == set()
    assert seconds < MAX_SECONDS


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
@pytest.mark.parametrize("chosen", [None, 3])
def test_tasks_have_one_thread_unless_the_user_wants_more(chosen: int | None) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    if chosen:
        environment["OPENBLAS_NUM_THREADS"] = str(chosen)
    command = [sys.executable, "-c", "import os, law, tasks, numpy; print(len(os.listdir('/proc/self/task')))"]
    result = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True)
    assert result.stdout.strip() == str(min(chosen or 1, os.cpu_count() or 1)), result.stderr


@pytest.mark.parametrize("name", [m.name for m in pkgutil.iter_modules(analysis.__path__, "analysis.") if m.ispkg])
def test_loading_an_analysis_is_light(name: str) -> None:
    _, loaded = import_anew([name])
    assert loaded & HEAVY_FOR_ANALYSES == set()


def test_floors_and_rooms() -> None:
    # the packages that later steps add have their place in pyproject.toml
    assert len(house.rooms()) <= 28
    assert house.loose_modules() == ("__init__", "errors")
    assert house.circles() == []


@pytest.mark.parametrize("cls", [RunProcessor, MergeBranches, PlotTemplates])
def test_tasks_are_composed(cls: type) -> None:
    """Options are groups that a task lists, and no classes that it derives from."""
    assert len(house.bases_of(cls)) <= MAX_BASES, house.bases_of(cls)


def test_bases_are_counted() -> None:
    class Deeper(RunProcessor):
        """Would be one too many."""

        __module__ = RunProcessor.__module__
        exclude_index = True

    assert {"StoreTask", "BatchControl"} < set(house.bases_of(RunProcessor))
    assert len(house.bases_of(Deeper)) == len(house.bases_of(RunProcessor)) + 1 > MAX_BASES


def test_state_of_modules_has_a_reason() -> None:
    """What lives as long as a process is hard to test and may be outdated: pass it on, or use ``functools.cache``."""
    assert sorted(house.module_state()) == sorted(house.STATE)


def test_imports_by_a_string_have_a_reason() -> None:
    """Linters don't see them: import at the top, or in a function if that is measured to matter."""
    assert sorted(house.string_imports()) == sorted(house.STRING_IMPORTS)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import pocket.errors", []),
        ("importlib.import_module(name)", []),
        ("importlib.import_module('numpy')", []),
        ("def f():\n importlib.import_module('pocket.errors').check_known()", ["pocket.errors"]),
        ("from importlib import import_module\nimport_module('tasks.batch', None)", ["tasks.batch"]),
        ("__import__('analysis')", ["analysis"]),
    ],
)
def test_imports_by_a_string_are_found(source: str, found: list[str]) -> None:
    assert house.strings_imported(source) == found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("table = {'a': 1}\ndef f(x): return table[x]", []),
        ("def f(x):\n found = []\n found.append(x)", []),
        ("seen = set()\ndef f(x): seen.add(x)", ["seen"]),
        ("known: dict[str, int] = {}\ndef f(x): known[x] = 1", ["known"]),
        ("known = collections.defaultdict(list)\ndef f(x): del known[x]", ["known"]),
        ("last = None\ndef f(x):\n global last\n last = x", ["last"]),
    ],
)
def test_state_is_found(source: str, found: list[str]) -> None:
    assert house.state_in(source) == found


def test_fingerprints_of_the_processor_hold_nothing_that_decides_no_number() -> None:
    closure = house.engine_closure()
    others = (
        "pocket.base.fingerprint.names",
        "pocket.configuration",
        "pocket.datasets.catalogues",
        "pocket.io.remote.storage",
        "pocket.plots",
        "pocket.scale_factors",
        "pocket.toys",
        "pocket.weights.leptons",
    )
    assert [module for module in closure if module.startswith(others)] == []


def test_locks_agree() -> None:
    """Developers have the packages of users, in the same versions."""
    users, developers = (
        {
            line.partition(" ;")[0].strip(" \\")
            for line in (REPOSITORY / name).read_text().splitlines()
            if "# " not in line
        }
        for name in ("requirements.lock", "requirements-dev.lock")
    )
    assert users < developers


def test_modules_have_one_idea() -> None:
    modules = sources("pocket", "tasks", "analysis", "benchmarks", "tests")
    lines = {str(path): len((REPOSITORY / path).read_text().splitlines()) for path in modules}
    assert {path: count for path, count in lines.items() if count > MAX_LINES} == {}


def test_packages_have_their_tests() -> None:
    def defines_functions(path: Path) -> bool:
        return any(isinstance(node, ast.FunctionDef) for node in ast.walk(ast.parse((REPOSITORY / path).read_text())))

    packages = {path.parent for path in sources("pocket", "tasks") if defines_functions(path)}
    missing = [str(package) for package in packages if not list((REPOSITORY / "tests" / package).glob("test_*.py"))]
    assert missing == []
    # and no tests are left of what is gone
    folders = {path.parent for path in sources("tests/pocket", "tests/tasks") if path.name.startswith("test_")}
    gone = [
        str(folder)
        for folder in folders
        if not (REPOSITORY / folder.relative_to("tests")).is_dir() and folder.name != "mutations"
    ]
    assert gone == []


def test_what_comes_first_names_a_thing() -> None:
    words = ("What ", "Which ", "Whether ", "How ", "Why ", "Where ", "From ")
    first = {
        str(path): (ast.get_docstring(ast.parse((REPOSITORY / path).read_text())) or "").partition("\n")[0]
        for path in sources("pocket", "tasks", "analysis", "benchmarks")
    }
    assert {path: line for path, line in first.items() if not line or line.startswith(words)} == {}
