from __future__ import annotations

import os
from pathlib import Path

import pytest

from tasks.chain.merging import MergeOutputs
from tasks.core.snapshot import VARIABLE, _makes_outputs, _project
from tests.law_runner import ROOT, Law
from tests.tasks.conftest import enter
from tests.tasks.small_chain import Chain

#: added to an analysis: whoever loads it first edits a file of the original, at once, as editors do
EDIT = """
import os
from pathlib import Path

_edited, _new = Path(os.environ["EDITED"]), os.environ["NEW"]
if _new not in (_text := _edited.read_text()):
    _part = _edited.with_name(f"{_edited.name}.{os.getpid()}")
    _part.write_text(_text.replace(os.environ["OLD"], _new))
    _part.replace(_edited)
"""

#: added to an analysis: says where it is loaded from
LOADED = "\nprint('loaded', __file__)\n"


@pytest.mark.parametrize(
    ("arguments", "takes"),
    [
        (["/bin/law", "run", "MergeOutputs", "--version", "v1"], True),
        (["law", "run", "MergeOutputs", "--print-status", "3"], False),
        (["law", "run", "MergeOutputs", "--help"], False),
        (["law", "run"], False),
        (["law", "index", "-q"], False),
        (["pytest", "run", "MergeOutputs"], False),
        (["-c"], False),
    ],
)
def test_a_snapshot_is_taken_where_outputs_may_be_made(arguments: list[str], takes: bool) -> None:
    assert _makes_outputs(arguments) is takes


def test_what_a_snapshot_is_taken_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POCKET_ROOT", raising=False)
    assert _project() is None
    for named in (str(tmp_path / "missing"), "relative"):
        monkeypatch.setenv("POCKET_ROOT", named)
        assert _project() is None
    monkeypatch.setenv("POCKET_ROOT", str(ROOT))
    assert _project() == ROOT
    # the repository of an analysis, whose engine is installed, but no other checkout
    monkeypatch.setenv("POCKET_ROOT", str(tmp_path))
    assert _project() == tmp_path
    (tmp_path / "tasks").mkdir()
    assert _project() is None


def edited(finished: tuple[Chain, Path], folder: Path, file: str, old: str, new: str, **more: str) -> Chain:
    """The chain with nothing run, in which a file is edited once it is running."""
    _, copy = finished
    chain = Chain.make(folder, copy / "law" / "index")
    path = chain.analysis / "__init__.py"
    path.write_text(path.read_text() + EDIT)

    class Edited(Chain):
        @property
        def law(self) -> Law:
            return Law(self.folder, {"EDITED": str(self.analysis / file), "OLD": old, "NEW": new, **more})

    return Edited(chain.folder)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "old", "new", "options"),
    [
        ("cuts.py", 'params["pt"]', '2 * params["pt"]', ("--cores", "2")),
        ("parameters.yaml", "pt: 20.0", "pt: 40.0", ("--executor", "dask", "--max-workers", "1")),
    ],
)
def test_an_edit_while_the_chain_runs_has_no_part_in_it(
    finished: tuple[Chain, Path],
    tmp_path: Path,
    file: str,
    old: str,
    new: str,
    options: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chain = edited(finished, tmp_path, file, old, new)
    run = chain.run("MergeOutputs", "--config", "main", *options)
    assert run.code == 0, run.text
    assert new in (chain.analysis / file).read_text()
    assert chain.templates() == Chain(finished[1]).templates()
    # the next command runs what is there now, under another name
    enter(chain, monkeypatch)
    for name in ("EDITED", "OLD", "NEW"):
        monkeypatch.setenv(name, chain.law.environment[name])
    assert "RunProcessor main" in chain.build(MergeOutputs, config="main")
    assert len(chain.outputs("MergeOutputs", "main")) == 2
    # and people see their own paths
    assert ".law/running" not in run.text


@pytest.mark.slow
def test_errors_name_the_files_of_the_user(finished: tuple[Chain, Path], tmp_path: Path) -> None:
    chain = edited(finished, tmp_path, "cuts.py", "nothing", "else", **{VARIABLE: "1"})
    (path := chain.analysis / "__init__.py").write_text(f"{path.read_text()}{LOADED}")
    chain.edit("cuts.py", "    # without", "    1 / 0\n    # without")
    run = chain.run("MergeOutputs", "--config", "main", "--cores", "2")
    assert run.code != 0
    (sentence,) = run.errors
    assert f"{chain.analysis / 'cuts.py'}:" in sentence
    lines = run.text.splitlines()
    loaded = [line for line in lines if line.startswith("loaded ")]
    assert loaded
    assert all(".law/running" in line for line in loaded)
    assert [line for line in lines if ".law/running" in line] == loaded


def test_manifests_name_the_analysis_of_the_user(finished: tuple[Chain, Path]) -> None:
    from pocket.io.store import read_manifest

    # The copy, since other tests change what the chain has made.
    chain, copy = finished
    manifest = read_manifest(Chain(copy).output("MergeOutputs", "main"))
    assert manifest is not None
    assert manifest.info["analysis"] == str(chain.analysis)


def test_the_variable_switches_it_off(finished: tuple[Chain, Path], tmp_path: Path) -> None:
    _, copy = finished
    chain = Chain.make(tmp_path, copy / "law" / "index")
    path = chain.analysis / "__init__.py"
    path.write_text(path.read_text() + LOADED)
    run = Law(tmp_path, {VARIABLE: "0"}).run(*chain.arguments("MergeOutputs", "--config", "none"))
    loaded = [line for line in run.text.splitlines() if line.startswith("loaded ")]
    assert loaded, run.text
    assert not any(".law/running" in line for line in loaded)
    assert os.environ.get(VARIABLE) is None
