from __future__ import annotations

import ast
import functools
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import pocket
import tasks
from tests.canaries.table import CANARIES, PROPOSALS, Canary
from tests.entries import check_each

REPOSITORY = Path(__file__).absolute().parents[2]
#: private names of Python itself
PYTHON = {"_Environ", "_exit", "_forkserver", "_forkserver_pid", "_getframe", "_replace", "_util"}
LIBRARIES = (
    *("coffea", "dask_gateway", "dask_jobqueue", "distributed", "law", "luigi", "matplotlib", "omegaconf", "tornado"),
    "uproot",
)
#: modules that do something when they are imported
NOT_IMPORTED = ("pocket.engine.preload",)


def find(reference: str) -> Any:
    """Return what ``module:name`` stands for; a part of the name that is a module is imported."""
    module, _, name = reference.partition(":")
    return functools.reduce(inspect.getattr_static, name.split("."), importlib.import_module(module))


def missing(canary: Canary) -> str:
    """Return what the library lacks, empty if it has all."""
    try:
        found = find(canary.place)
    except (ImportError, AttributeError) as error:
        return str(error)
    if canary.attribute:
        own = [cls for cls in inspect.getmro(found) if cls.__module__.partition(".")[0] == canary.library]
        return (
            ""
            if any(canary.attribute in inspect.getsource(cls) for cls in own)
            else f"no {canary.attribute} in {canary.place}"
        )
    function = getattr(found, "__func__", found)
    if canary.arguments:
        given = tuple(inspect.signature(function).parameters)
        if given[: len(canary.arguments)] != canary.arguments:
            return f"its arguments are {given}, expected {canary.arguments}"
    return ""


@check_each("canary", CANARIES, ids=str)
def test_private_name_is_there(canary: Canary) -> None:
    find(canary.user)
    if lacks := missing(canary):
        version = metadata.version(canary.library)
        pytest.fail(f"{canary.library} {version} breaks {canary.user}, which needs {canary}: {lacks}")


def test_law_and_luigi_are_used_by_few_private_names() -> None:
    found = {library: {each.name for each in CANARIES if each.library == library} for library in ("law", "luigi")}
    assert found == {"law": set(PROPOSALS), "luigi": set()}
    assert len(PROPOSALS) <= 8


def test_what_is_missing_is_said() -> None:
    assert "_nothing" in missing(Canary("law.task.base:Task._nothing", "", "tasks.framework.base:StoreTask"))
    assert "_no_such" in missing(Canary("luigi.worker:Worker", "_no_such", ""))
    assert "expected ('self', 'other')" in missing(Canary("luigi.worker:Worker._add", "", "", ("self", "other")))


def our_modules() -> Iterator[ModuleType]:
    for package in (pocket, tasks):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name not in NOT_IMPORTED:
                yield importlib.import_module(module.name)


def used_private_names() -> set[str]:
    """Return the private attributes that our code uses and defines nowhere."""
    used, defined = set(), set()
    for path in [*(REPOSITORY / "pocket").rglob("*.py"), *(REPOSITORY / "tasks").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Attribute(attr=name, ctx=context):
                    (defined if isinstance(context, ast.Store) else used).add(name)
                case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.arg(arg=name):
                    defined.add(name)
                case ast.Name(id=name, ctx=ast.Store()):
                    defined.add(name)
    return {name for name in used - defined if name.startswith("_") and not name.startswith("__")}


def overridden_private_names() -> set[str]:
    """Return the private methods of libraries' classes that classes of ours replace."""
    return {
        name
        for module in our_modules()
        for cls in vars(module).values()
        if inspect.isclass(cls) and cls.__module__ == module.__name__
        for name, member in vars(cls).items()
        if name.startswith("_") and not name.startswith("__") and inspect.isfunction(member)
        for base in inspect.getmro(cls)[1:]
        if base.__module__.partition(".")[0] in LIBRARIES and name in vars(base)
    }


def test_all_private_names_have_their_canary() -> None:
    known = {canary.name for canary in CANARIES}
    # modules on the way to a name
    known |= {part for canary in CANARIES for part in canary.place.replace(":", ".").split(".")}
    assert used_private_names() - PYTHON - known == set()
    assert overridden_private_names() - known == set()
