"""Rows of the mutation table: edits of a checkout's own code and parameters."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.tasks.mutations import sources
from tests.tasks.mutations.row import (
    CORRECTED,
    DATASETS,
    FROM_PROBES,
    MAIN,
    MEASURED,
    MERGED,
    NOTHING,
    PLOT,
    PLOT_OF_SCALE_FACTOR,
    PROCESSED,
)

#: a folder with the checkout
Edit = Callable[[Path], object]


@dataclass(frozen=True)
class EngineRow:
    """An edit of the checkout and what it makes run again of the study.

    Args:
        name: what is edited, in words.
        edit: makes the edit.
        reruns: tasks that must run again, and no others.
        tolerated: tasks for which nothing is said.
    """

    name: str
    edit: Edit
    reruns: frozenset[str] = NOTHING
    tolerated: frozenset[str] = NOTHING


def statement(name: str, text: str = "unused = 1") -> Edit:
    """Return the edit that adds a statement to a function, as its first one."""

    def make(root: Path) -> None:
        place = sources.find(root, name)
        lines = place.file.read_text(encoding="utf-8").splitlines(keepends=True)
        (function,) = ast.parse(_dedented(lines[place.first : place.last])).body
        assert isinstance(function, ast.FunctionDef)
        first = function.body[1] if len(function.body) > 1 else function.body[0]
        at = place.first + first.lineno - 1
        indent = len(lines[at]) - len(lines[at].lstrip())
        lines.insert(at, f"{' ' * indent}{text}\n")
        place.file.write_text("".join(lines), encoding="utf-8")

    return make


def _dedented(lines: list[str]) -> str:
    import textwrap

    return textwrap.dedent("".join(lines))


def after(name: str, text: str) -> Edit:
    """Return the edit that adds lines to the module that defines an object."""
    return lambda root: sources.append(root, name, text)


def replaced(name: str, old: str, new: str) -> Edit:
    """Return the edit that replaces a text in the definition of an object."""
    return lambda root: sources.replace(root, name, old, new)


def renamed(name: str, old: str, new: str) -> Edit:
    """Return the edit that renames a variable in the definition of an object."""
    return lambda root: sources.rename(root, name, old, new)


def in_package(package: str, text: str) -> Edit:
    """Return the edit that adds lines to the ``__init__`` of a package."""

    def make(root: Path) -> None:
        file = root.joinpath(*package.split("."), "__init__.py")
        file.write_text(f"{file.read_text(encoding='utf-8')}\n{text}\n", encoding="utf-8")

    return make


def in_parameters(file: str, old: str, new: str) -> Edit:
    """Return the edit that replaces a text in shipped parameters."""

    def make(root: Path) -> None:
        path = root / "params" / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return make


ENGINE = [
    EngineRow("nothing", lambda root: None),
    EngineRow("a comment in the engine", statement("process_chunk", "# why")),
    EngineRow("a statement that does nothing", statement("process_chunk", "pass")),
    EngineRow(
        "the text of an error of the engine", replaced("run_branch", "events from {branch", "that begin at {branch")
    ),
    EngineRow("the text of an error of a shipped cut", replaced("apply_triggers", "to choose its", "to know its")),
    EngineRow("the text of a log line of the engine", replaced("_run_together", "one by one", "one after the other")),
    EngineRow(
        "a docstring of the engine",
        replaced("run_branch", "the sums of one branch, and", "the sums of a branch, and"),
    ),
    EngineRow("the name of a variable of the engine", renamed("run_branch", "together", "joined")),
    EngineRow(
        "the class of an error of the engine",
        replaced("run_branch", "raise DatasetError", "raise ConfigError"),
        PROCESSED,
    ),
    EngineRow(
        "the condition of an error of the engine",
        replaced("run_branch", "processed != nevents or", "processed > nevents or"),
        PROCESSED,
    ),
    EngineRow("the engine's loop over chunks", statement("process_chunk"), PROCESSED),
    EngineRow("a shipped cut that is used", statement("nPVgood"), MAIN | FROM_PROBES),
    EngineRow("a shipped cut that isn't used", statement("nBtagMin")),
    EngineRow("the selection of certified data", statement("certified"), MAIN),
    EngineRow("a shipped weight that is used", statement("GenWeight.compute"), PROCESSED),
    EngineRow("a shipped weight that isn't used", statement("SignOfGenWeight.compute")),
    EngineRow("a shipped calibrator that isn't used", statement("MuonScaleCalibrator.calibrate")),
    EngineRow("how corrections are loaded", statement("load_correction"), CORRECTED, tolerated=PROCESSED),
    EngineRow("how templates are merged", statement("merge_outputs"), MERGED, tolerated=MEASURED),
    EngineRow("the method of the scale factor", statement("measure_ratio"), MEASURED),
    EngineRow("another method of scale factors", statement("fit:measure")),
    EngineRow(
        "the closure of scale factors",
        statement("validate_from"),
        frozenset({"ValidateScaleFactors tight"}) | PLOT_OF_SCALE_FACTOR,
        tolerated=PLOT,
    ),
    EngineRow("how templates are drawn", statement("draw_templates"), PLOT),
    EngineRow("how scale factors are drawn", statement("draw_scale_factor"), PLOT_OF_SCALE_FACTOR),
    EngineRow(
        "a catalogue's error", replaced("dbs_files", "is the name right?", "is its name right?"), tolerated=DATASETS
    ),
    EngineRow("a constant of objects that aren't used", after("photons:photon_selection", "UNUSED = 1")),
    EngineRow(
        "a name that a package of the engine hands on",
        in_package("pocket.scale_factors", "from pocket.errors import nearest"),
    ),
    EngineRow(
        "a name that the package of objects hands on", in_package("pocket.objects", "from pocket.errors import nearest")
    ),
    EngineRow("how toys are made", statement("btag_shape")),
    EngineRow("a task's code", after("RunProcessor", "UNUSED = 1")),
    EngineRow("a comment in shipped parameters", in_parameters("eras/2018.yaml", "lumi:\n", "# why\nlumi:\n")),
    EngineRow("shipped parameters that nothing reads", in_parameters("eras/toys.yaml", "0.002", "0.003")),
    EngineRow("shipped parameters of another year", in_parameters("eras/2016_PreVFP.yaml", "5829.4", "5829.5")),
    EngineRow(
        "shipped parameters of the luminosity",
        in_parameters("eras/2018.yaml", "tot: 59560.0", "tot: 59561.0"),
        MERGED,
        tolerated=MEASURED,
    ),
]
