"""Edits of a copy of the checkout, and the fingerprints of processors, skims, merged outputs and figures they move."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tasks.mutations import sources
from tests.tasks.mutations.clones import Clone

PLOTS = ("plots.templates.figures", "plots.scale_factors.figures", "plots.cutflow")
#: prints what decides about the outputs of processors, of skims, of the merging and of plots
DIGESTS = """
import json, sys
from pocket import load_analysis
from pocket.base.fingerprint import code_closure, digest
from pocket.plan.skim import SkimPlan
from pocket.plots.specification import figure_specs
configs = load_analysis("zmumu").configs
plans = {name: config.plan() for name, config in configs.items()}
drawn = [config.figure_plan() for config in configs.values()]
print(json.dumps({
    **{name: code_closure(f"pocket.{name}") for name in sys.argv[1:]},
    "figures": digest([figure_specs(plan, [(plan.categories[0], name) for name in plan.variables]) for plan in drawn]),
    "engine": code_closure("pocket.engine.run"),
    "skims": code_closure("pocket.skims.run"),
    "merging": code_closure("pocket.outputs.merging"),
    "folders": code_closure("pocket.outputs.folders"),
    **{name: digest([plan.spec(), SkimPlan("presel_any_variation").spec(plan)]) for name, plan in plans.items()},
    **{f"merged {name}": digest(one.merging_plan().spec(one.definitions)) for name, one in configs.items()},
}))
"""
#: the fingerprints of code among these
CODE = ("engine", "skims", "merging", "folders")
#: what is added to functions
CHECK = """
import logging
logging.debug("checked")
if logging.raiseExceptions == 3:
    raise ValueError("no")
"""


def digests(clone: Clone) -> dict[str, str]:
    run = subprocess.run(
        [sys.executable, "-c", DIGESTS, *PLOTS], cwd=clone.folder, env=clone.environment, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    found: dict[str, str] = json.loads(run.stdout)
    return found


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    return Clone.make(tmp_path_factory.mktemp("clone") / "a checkout", tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def before(clone: Clone) -> dict[str, str]:
    return digests(clone)


class _Checks(ast.NodeTransformer):
    """Changes the words and the kind of every error, and adds a check and a log line to every function."""

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        if not isinstance(node.exc, ast.Call):
            return node
        return ast.copy_location(ast.parse(f"raise RuntimeError({ast.unparse(node.exc)!r}, 'otherwise')").body[0], node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        if not any(isinstance(inner, ast.Yield | ast.YieldFrom) for inner in ast.walk(node)):
            # The docstring stays first.
            node.body[1:1] = ast.parse(CHECK).body if ast.get_docstring(node) else []
        return node


def change_all_checks(folder: Path) -> None:
    for file in sorted((folder / "pocket" / "configuration").glob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        file.write_text(ast.unparse(ast.fix_missing_locations(_Checks().visit(tree))), encoding="utf-8")


def test_no_check_or_message_of_a_configuration_moves_a_fingerprint(clone: Clone, before: dict[str, str]) -> None:
    folder = clone.folder / "pocket" / "configuration"
    texts = {file: file.read_text(encoding="utf-8") for file in folder.glob("*.py")}
    try:
        change_all_checks(clone.folder)
        unchanged = [file.name for file, text in texts.items() if file.read_text(encoding="utf-8") == text]
        assert unchanged == []
        assert digests(clone) == before
    finally:
        for file, text in texts.items():
            file.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("edit", "moved"),
    [
        # what a plan does is part of the code of the engine, and of the merging
        (
            ("SampleNames.counted_samples", "names = self", "names = () if not self.subsamples else self"),
            ("engine", "skims", "merging", "folders", *PLOTS),
        ),
        (("EraNames.of_source", 'f"{stem}_{year}"', 'f"{stem}-{year}"'), ("merging", "folders")),
        (("MergingPlan.spec", "].before_skim)", "].before_skim, 1)"), ("merging", "folders", "merged nominal")),
        (("shape_variations", "in available.get(name, ())", "in sorted(available.get(name, ()))"), ("engine", "skims")),
        (("BaseProcessorABC.start_variation", "self.events = events", "self.events = events[:]"), ("engine", "skims")),
        (
            ("processing_metadata", "if key not in", "if key != 'era' and key not in"),
            ("engine", "skims", "merging", "folders"),
        ),
        (("SkimPlan.keeps", "return True", "return bool(branch)"), ("skims",)),
        (("TemplatePlot.stem", 'f"_{self.name}"', 'f"_of_{self.name}"'), PLOTS[:1]),
    ],
    ids=str,
)
def test_what_decides_numbers_moves_fingerprints(
    clone: Clone, before: dict[str, str], edit: tuple[str, str, str], moved: tuple[str, ...]
) -> None:
    name, old, new = edit
    file = sources.find(clone.folder / "pocket" / "plan", name).file
    text = file.read_text(encoding="utf-8")
    try:
        sources.replace(clone.folder / "pocket" / "plan", name, old, new)
        after = digests(clone)
    finally:
        file.write_text(text, encoding="utf-8")
    changed = {key for key in before if after[key] != before[key]}
    assert set(moved) <= changed
    assert changed.intersection(CODE) <= set(moved)
