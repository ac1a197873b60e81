from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import luigi
import pytest

from pocket.base.fingerprint import imports
from pocket.base.fingerprint.sources import Statement
from pocket.configuration.loading import load_analysis
from pocket.errors import ConfigError
from pocket.histograms.files import read_output, read_sums
from pocket.parameters.plain import to_plain
from tasks.chain.merging import MergeOutputs
from tasks.chain.processing import RunProcessor
from tasks.chain.toys import MakeToySamples
from tests.oracle import check_output, event_loop
from tests.real_files import real_file
from tests.tasks.in_process import Here, not_refused, run_here
from tests.tasks.small_chain import Chain


def test_second_run_executes_nothing(chain: Chain) -> None:
    before = chain.ids("")
    run = run_here(chain, "PlotTemplates")
    assert run.code == 0
    assert run.executed == []
    assert chain.ids("") == before


def test_only_a_deleted_branch_runs_again(chain: Chain) -> None:
    before, templates = chain.ids(""), chain.templates()
    deleted = chain.outputs("RunProcessor", "main")[1]
    deleted.unlink()
    run = run_here(chain, "PlotTemplates")
    assert run.code == 0
    assert run.executed == ["RunProcessor", "MergeOutputs", "PlotTemplates"]
    again = chain.ids("")
    # it has the same content, so the others stay
    assert {path for path, identifier in again.items() if identifier != before[path]} == {deleted}
    assert set(again) == set(before)
    assert chain.templates() == templates
    assert chain.build() == []


def test_one_branch_alone(chain: Chain) -> None:
    templates = chain.templates()
    branches = chain.ids("RunProcessor", "main")
    for path in branches:
        path.unlink()
    assert chain.build(RunProcessor, config="main", branch=1) == ["RunProcessor main"]
    alone = chain.ids("RunProcessor", "main")
    (path,) = alone
    assert chain.task(RunProcessor, config="main", branch=1).output().directory == path
    # the others are all that is left to do
    assert chain.build(RunProcessor, config="main") == ["RunProcessor main"]
    again = chain.ids("RunProcessor", "main")
    assert set(again) == set(branches)
    assert again[path] == alone[path]
    chain.build(MergeOutputs, config="main")
    assert chain.templates() == templates


def test_changed_cut_gives_other_numbers_in_another_folder(chain: Chain) -> None:
    before, merged = chain.ids(""), chain.output("MergeOutputs", "main")
    changed = {"config": "main", "params": ("leading_muon.pt=35",)}
    assert chain.build(MergeOutputs, **changed) == ["RunProcessor main", "MergeOutputs main"]
    (other,) = set(chain.outputs("MergeOutputs", "main")) - {merged}
    assert other == chain.task(MergeOutputs, **changed).directory
    counts = [read_sums(folder)["cutflow"]["presel"]["DYJetsToMuMu_toys"]["nominal"] for folder in (merged, other)]
    assert 0 < counts[1] < counts[0]
    # going back finds the old ones, and going forth again the new ones
    assert chain.build() == []
    assert chain.build(MergeOutputs, **changed) == []
    assert {path: identifier for path, identifier in chain.ids("").items() if path in before} == before


@pytest.mark.slow
def test_changed_source_of_a_cut_runs_again(chain: Chain) -> None:
    (merged,) = chain.outputs("MergeOutputs", "main")
    chain.edit("cuts.py", 'params["pt"]', '2 * params["pt"]  # twice as much')
    run = run_here(chain, "MergeOutputs", "--config", "main")
    assert run.code == 0
    assert run.executed == ["RunProcessor", "MergeOutputs"]
    (other,) = set(chain.outputs("MergeOutputs", "main")) - {merged}
    assert read_sums(other)["cutflow"]["presel"] != read_sums(merged)["cutflow"]["presel"]
    chain.edit("cuts.py", "twice as much", "2 x pt")
    assert chain.build(MergeOutputs, config="main") == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "module", ["pocket/engine/chunk.py", "pocket/histograms/files.py", "pocket/columns/parquet.py"]
)
def test_changed_code_or_file_format_is_another_output(
    chain: Chain, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    def fingerprints() -> list[str]:
        return [str(chain.task(task, config="main").fingerprint) for task in (RunProcessor, MergeOutputs)]

    def changed(file: str, mtime_ns: int, size: int) -> Any:
        source = read(file, mtime_ns, size)
        acts = Statement("changed", (), (), (), acts=True)
        return replace(source, statements=(*source.statements, acts)) if file.endswith(module) else source

    before, read = fingerprints(), imports.read_source
    assert fingerprints() == before
    monkeypatch.setattr(imports, "read_source", changed)
    assert not set(before) & set(fingerprints())


def test_branches_cover_the_datasets(chain: Chain) -> None:
    task = chain.task(RunProcessor, config="main")
    branches = list(task.branch_map.values())
    assert [(branch.dataset, branch.start, branch.stop) for branch in branches] == [
        ("DYJetsToMuMu_toys", 0, 900),
        ("DYJetsToMuMu_toys", 900, 1800),
        *(("DATA_SingleMuon_toys", start, stop) for start, stop in [(0, 679), (679, 1358)]),
    ]
    assert task.has_toys
    for number, branch in enumerate(branches):
        assert chain.task(RunProcessor, config="main", branch=number).branch_data == branch


def test_branch_that_is_not_there(chain: Chain) -> None:
    run = chain.run("RunProcessor", "--config", "main", "--branch", "4")
    assert run.code == 35
    assert run.errors == ["RunProcessor main has no branch 4, only 0 to 3"]


def test_branches_that_are_not_there(chain: Chain) -> None:
    def branch_map(branches: tuple[tuple[int, ...], ...]) -> Any:
        return chain.task(RunProcessor, config="main", branches=branches).get_branch_map()

    sentence = r"RunProcessor main has no branch \d+, only 0 to 3"
    cases = [({"branches": branches}, sentence) for branches in (((4,),), ((0,), (4,)), ((9, 12),))]
    assert not_refused(branch_map, cases, ConfigError) == {}


def test_some_branches_need_all_toys(chain: Chain) -> None:
    task = chain.task(RunProcessor, config="main", branches=((3, 4),))
    assert list(task.get_branch_map()) == [3]
    assert task.toys.branches == ()


def test_scale_factors_are_handed_on(chain: Chain) -> None:
    resources = chain.task(RunProcessor, config="corrected").made_files()
    assert resources.toys == str(chain.task(MakeToySamples).corrections)
    assert list(resources.scale_factors) == ["tight_id"]
    assert Path(resources.scale_factors["tight_id"]).is_file()
    assert chain.task(RunProcessor, config="main").made_files().scale_factors == {}


SIMULATION = ("DYJetsToLL_2018", "DYJetsToLL")
DATA = ("DATA_DoubleMuon_2018_EraA", "DATA_DoubleMuon")


@pytest.mark.slow
def test_real_files_give_what_a_plain_event_loop_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On real CMS NanoAOD, sums of squared weights included, however the events are divided."""
    law = Here(tmp_path, {"POCKET_SAMPLES": str(real_file("nano_dy.root").parent)})
    params = to_plain(load_analysis("zmumu").configs["real_samples"].parameters)
    simulation = event_loop(real_file("nano_dy.root"), params, is_mc=True)
    data = event_loop(real_file("nano_dimuon.root"), params, is_mc=False)
    factor = params["lumi"]["picobarns"]["2018"]["tot"] * 6077.22 / simulation.genweights

    def check() -> None:
        (folder,) = law.outputs("MergeOutputs")
        merged = read_output(folder)
        check_output(merged, *SIMULATION, simulation, factor)
        check_output(merged, *DATA, data)

    options = ("--config", "real_samples", "--version", "v1", "--variables", "mll,npvs")
    run = law.run("PlotTemplates", *options)
    assert run.code == 0, run.text
    check()
    assert len(list(law.outputs("RunProcessor"))) == 2
    (plots,) = law.outputs("PlotTemplates")
    assert re.search(rf"^  plots +{plots.relative_to(law.folder)}/$", run.text, re.MULTILINE)
    assert {path.stem for path in plots.rglob("*.pdf")} == {"mll", "npvs"}

    monkeypatch.setenv("POCKET_STORE", str(law.store))
    otherwise = {"config": "real_samples", "version": "v1", "events_per_branch": 25, "chunk_size": 15, "cores": 1}
    assert luigi.build([MergeOutputs(analysis="zmumu", **otherwise)], local_scheduler=True)
    check()
    assert len(list(law.outputs("RunProcessor"))) == 2 + 4
