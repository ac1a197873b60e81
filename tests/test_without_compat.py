"""Pocketlaw without PocketCoffea's words: nothing else in it needs them, so the package may be missing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tokenize
from pathlib import Path

from tests.house import REPOSITORY
from tests.pocket.engine.root_files import write_nano

#: The modules of tasks whose purpose is to migrate from PocketCoffea, or to share with it.
FOR_POCKETCOFFEA = {"chain/exporting.py", "chain/migrating.py", "framework/custom_executors.py"}
STUDY = '''
from pocket import Analysis, Axis, BaseProcessorABC, Configurator, Cut, HistConf
from pocket.cuts import passthrough
from pocket.parameters import get_default_parameters, merge_parameters


class Study(BaseProcessorABC):
    """Takes the events as they are."""

    def apply_object_preselection(self, variation):
        """Select nothing."""

    def count_objects(self, variation):
        """Count nothing."""

    def skim_events(self):
        """Is a name like any other."""


def above(events, params, **kwargs):
    return events.x > params["x"]


parameters = merge_parameters(get_default_parameters(), {"plotting_style": {"label": "Preliminary"}}, update=True)
config = Configurator(
    parameters=parameters,
    datasets={"jsons": ["%(definitions)s"]},
    workflow=Study,
    categories={"baseline": [passthrough], "above": [Cut("above", {"x": 1.0}, above)]},
    weights={"common": {"inclusive": ["genWeight", "lumi", "XS"]}},
    variables={"x": HistConf([Axis(field="x", bins=4, start=0, stop=2)])},
)
analysis = Analysis(name="study", configs={"one": config}, default_config="one")
'''
RUN = """
import importlib, importlib.util, json, pkgutil, sys
import pocket, tasks
from pocket.configuration.loading import load_analysis
from pocket.interactive import process

assert pocket.__file__.startswith(sys.argv[1]), pocket.__file__
assert importlib.util.find_spec("pocket.compat") is None
for module in pkgutil.walk_packages(tasks.__path__, "tasks."):
    if module.name != "tasks.framework.custom_executors":
        importlib.import_module(module.name)
config = load_analysis("study").config("one")
assert config.figure_plan().spec()["style"]["label"] == "Preliminary"
result = process(config, {"TT_2018": sys.argv[2]})
print(json.dumps({name: float(value[0]) for name, value in result.yields()["TT"].items()}))
loaded = [name for name in sys.modules if name.startswith(("pocket.compat", "pocket_coffea"))]
assert not loaded, loaded
"""


def test_an_analysis_runs_without_it(tmp_path: Path) -> None:
    for part in ("datasets", "params", "pocket", "tasks", "CHANGELOG.md", "law.cfg"):
        source = REPOSITORY / part
        if source.is_dir():
            shutil.copytree(source, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__", "compat"))
        else:
            shutil.copy(source, tmp_path / part)
    definitions = REPOSITORY / "tests" / "pocket" / "definitions.json"
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "__init__.py").write_text(STUDY % {"definitions": definitions})
    columns = write_nano(tmp_path / "tt.root", 200)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "POCKET_ROOT": str(tmp_path)}
    command = [sys.executable, "-c", RUN, str(tmp_path), str(tmp_path / "tt.root")]
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    yields = re.findall(r'"(\w+)": ([\d.]+)', run.stdout)
    baseline, above = (float(number) for _, number in yields)
    weights, x = columns["genWeight"], columns["x"]
    assert abs(above / baseline - weights[x > 1].sum() / weights.sum()) < 1e-6


def test_nothing_else_names_it() -> None:
    named = set()
    for package in ("pocket", "tasks"):
        for path in (REPOSITORY / package).rglob("*.py"):
            place = path.relative_to(REPOSITORY / package).as_posix()
            if (package, place.partition("/")[0]) == ("pocket", "compat"):
                continue
            if re.search(r"pocket_coffea|\bcompat\b", _code_of(path)):
                named.add(place)
    assert named == FOR_POCKETCOFFEA


def _code_of(path: Path) -> str:
    """Return a file without comments and docstrings, which may say where an idea is from."""
    with path.open("rb") as file:
        tokens = list(tokenize.tokenize(file.readline))
    before = (tokenize.INDENT, tokenize.NEWLINE, tokenize.NL, tokenize.DEDENT, tokenize.COMMENT, tokenize.ENCODING)
    return " ".join(
        token.string
        for earlier, token in zip([tokens[0], *tokens], tokens, strict=False)
        if token.type != tokenize.COMMENT and not (token.type == tokenize.STRING and earlier.type in before)
    )
