from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import numpy as np
import pytest

from pocket.errors import ConfigError, UnknownNameError
from pocket.executors.base import find_factory
from pocket.histograms.files import read_templates
from pocket.io.store import is_complete
from pocket.io.store.manifest import written
from pocket.io.store.packing import remove_output
from tasks.chain.merging import MergeOutputs
from tasks.chain.plotting import PlotTemplates
from tasks.chain.processing import RunProcessor
from tasks.framework.executors import EXECUTORS, all_options, chosen_executor, given_options
from tasks.settings.sites import read_site, site_names
from tests.facility import Facility
from tests.law_runner import ROOT, Law, Run
from tests.tasks.chain.test_skimming import skim
from tests.tasks.damage import corrupt_branch
from tests.tasks.framework.test_workflow import running
from tests.tasks.small_chain import Chain, unfinished
from tests.waiting import PATIENCE, Moment, wait_for

pytestmark = pytest.mark.slow

VARIABLES = ("muon_pt", "npvs")


def forget(chain: Chain) -> None:
    """Remove what the executors make, and what is made of it."""
    for task in ("RunProcessor", "MergeOutputs"):
        for path in chain.outputs(task, "main"):
            remove_output(path)


def run_again(chain: Chain, *options: str) -> Run:
    """Process and merge again, with two cores; return the run, which must give the templates of before."""
    before = {variable: chain.templates("main", variable) for variable in VARIABLES}
    forget(chain)
    run = chain.run("MergeOutputs", "--config", "main", "--cores", "2", *options)
    assert run.code == 0, run.text
    assert {variable: chain.templates("main", variable) for variable in VARIABLES} == before
    assert any(sum(bytes) > 0 for bytes in before["muon_pt"].values())
    return run


@pytest.mark.parametrize("executor", ["iterative", "futures"])
def test_templates_are_the_same(chain: Chain, executor: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = {variable: chain.templates("main", variable) for variable in VARIABLES}
    forget(chain)
    assert chain.build(MergeOutputs, config="main", cores=2, executor=executor) == [
        "RunProcessor main",
        "MergeOutputs main",
    ]
    assert {variable: chain.templates("main", variable) for variable in VARIABLES} == before
    assert any(sum(bytes) > 0 for bytes in before["muon_pt"].values())
    text = capsys.readouterr().err
    assert "Dask dashboard" not in text
    assert re.search(r"RunProcessor main: [\d,]+ events in ", text)


def test_templates_are_the_same_on_workers_of_dask(chain: Chain) -> None:
    run = run_again(chain, "--executor", "dask")
    assert "Dask dashboard" in run.text
    assert re.search(r"^✓ RunProcessor main +[\d,]+ events ", run.text, re.MULTILINE)


def test_jobs_of_a_batch_system_have_no_executor(chain: Chain) -> None:
    with pytest.raises(ConfigError, match="--executor dask is for --workflow local, not htcondor"):
        chain.task(RunProcessor, config="main", executor="dask", workflow="htcondor")
    branch = chain.task(RunProcessor, config="main", executor="iterative").as_branch(0)
    assert branch.executor == "futures"


def test_templates_are_the_same_on_a_scheduler_that_is_there(chain: Chain, facility: Facility) -> None:
    # its workers know neither this project nor the analysis
    run_again(chain, "--executor", "dask", "--scheduler", facility.address)
    # and may be used again, in the way that the documentation shows
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "how-to" / "executors.md").read_text(), re.DOTALL)
    (chain.analysis / "own.py").write_text(blocks[1])
    own = ("--executor", "small.own:FacilityExecutorFactory", "--executor-options", f"sched-url={facility.address}")
    run_again(chain, *own)


def test_worker_killed_during_a_job(chain: Chain, tmp_path: Path) -> None:
    before = {variable: chain.templates("main", variable) for variable in VARIABLES}
    forget(chain)
    # An output is being written.
    moment = Moment.of(tmp_path / "moment", "open", "/RunProcessor/main/v1/.*[.]tmp-")
    arguments = chain.arguments("MergeOutputs", "--config", "main", "--executor", "dask", "--max-workers", "1")
    process = Law(chain.folder, moment.environment(chain.law.environment)).start(*arguments)
    wait_for(lambda: moment.process or process.poll() is not None)
    assert moment.process is not None
    assert moment.process != process.pid
    os.kill(moment.process, signal.SIGKILL)
    moment.go_on()
    text, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, text
    assert "Restarting worker" in text
    assert {variable: chain.templates("main", variable) for variable in VARIABLES} == before
    assert all(is_complete(path) for path in chain.outputs("RunProcessor", "main"))
    assert unfinished(chain.store) == []


def test_branch_that_fails(on_files: Chain) -> None:
    # opens, so that it is in the fileset
    corrupt_branch(on_files.analysis / "dy_1.root")
    run = on_files.run("RunProcessor", "--config", "main", "--executor", "dask", "--max-workers", "1")
    assert run.code == 30
    (error,) = run.errors
    assert re.match(
        r"branch \d of RunProcessor main \(DYJetsToMuMu_toys, events \d+ to \d+ of .*/dy_1.root\): .*/dy_1.root can't",
        error,
    )
    assert unfinished(on_files.store) == []


def test_skim(chain: Chain) -> None:
    unskimmed = read_templates(chain.output("MergeOutputs", "main"), "muon_pt")
    skim(chain, '{"main": Skim(config="main")}')
    run = chain.run("MergeOutputs", "--config", "main", "--executor", "dask", "--max-workers", "1")
    assert run.code == 0, run.text
    assert re.search(r"^✓ SkimEvents main +[\d,]+ events ", run.text, re.MULTILINE)
    skimmed = read_templates(chain.task(MergeOutputs, config="main").directory, "muon_pt")
    assert set(skimmed) == set(unskimmed)
    for sample, template in unskimmed.items():
        assert template.sum(flow=True).value > 0
        np.testing.assert_allclose(skimmed[sample].values(flow=True), template.values(flow=True), rtol=1e-12)


def test_main_process_killed(chain: Chain, tmp_path: Path) -> None:
    before = {variable: chain.templates("main", variable) for variable in VARIABLES}
    forget(chain)
    arguments = chain.arguments("MergeOutputs", "--config", "main", "--executor", "dask", "--max-workers", "1")
    # Merging can't begin, so that the main process doesn't end before it is killed.
    moment = Moment.of(tmp_path / "moment", "os.mkdir", "/MergeOutputs/main/v1/")
    process = Law(chain.folder, moment.environment(chain.law.environment)).start(*arguments)
    wait_for(lambda: chain.outputs("RunProcessor", "main") or process.poll() is not None)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    # no worker survives it
    wait_for(lambda: not running(process.pid))
    done = {path: written(path) for path in chain.outputs("RunProcessor", "main")}
    assert 0 < len(done) <= 4
    assert chain.build(MergeOutputs, config="main", executor="iterative")
    # what was done isn't done again
    assert {path: written(path) for path in done} == done
    assert {variable: chain.templates("main", variable) for variable in VARIABLES} == before


def test_own_executors(chain: Chain) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "how-to" / "executors.md").read_text(), re.DOTALL)
    (chain.analysis / "own.py").write_text("\n\n".join(blocks))
    run_again(chain, "--executor", "small.own:ThreadsExecutorFactory", "--executor-options", "threads=1")
    chain.edit("__init__.py", "from .cuts import", "from .own import FacilityExecutorFactory\nfrom .cuts import")
    chain.edit("__init__.py", 'name="small",', 'name="small",\n    executors={"facility": FacilityExecutorFactory},')
    with pytest.raises(UnknownNameError, match=r"unknown option 'sched-uri' .*, did you mean 'sched-url'"):
        chain.task(PlotTemplates, executor="facility", executor_options=("sched-uri=tcp://a:1",))
    task = chain.task(RunProcessor, config="main", executor="facility", executor_options=("sched-url=tcp://a:1",))
    assert chosen_executor(task.param_kwargs)[0].__name__ == "FacilityExecutorFactory"
    # what runs the branches doesn't matter for what they are
    assert task.complete()


def options_of(task: RunProcessor) -> dict[str, object]:
    """Return the options of a task's executor."""
    return chosen_executor(task.param_kwargs)[1]


def test_options_are_handed_on(chain: Chain) -> None:
    options = {"executor": "dask", "cluster": "slurm", "max_workers": 7, "executor_options": ("queue=short",)}
    plots = chain.task(PlotTemplates, config="main", **options)
    found = [task for task, *_ in plots.walk_deps() if isinstance(task, RunProcessor)]
    assert found
    for task in found:
        assert task.executor == "dask"
        assert options_of(task) == {"cluster": "slurm", "max_workers": 7, "queue": "short"}
    assert (
        chain.task(MergeOutputs, config="main").directory
        == chain.task(MergeOutputs, config="main", **options).directory
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"executor": "dusk"}, r"unknown executor 'dusk' in --executor, .*did you mean 'dask'\?"),
        (
            {"cluster": "slurm"},
            r"executor futures takes no options, but got cluster; did you mean --executor dask\?",
        ),
        ({"executor": "dask", "cluster": "slarm"}, r"unknown cluster 'slarm' in --cluster, did you mean 'slurm'\?"),
        ({"executor_options": ("retries",)}, "--executor-options has 'retries', expected key=value"),
        ({"executor_options": ("cluster=slurm",)}, "--executor-options has 'cluster', which is the option --cluster"),
        ({"executor_options": ("max_workers=1",)}, "which is the option --max-workers"),
        (
            {"executor": "dask", "site": "lxplus-eos"},
            r"site 'lxplus-eos' has no options for --executor dask \(dask in \[site_lxplus-eos\] of law.cfg\); sites",
        ),
        (
            {"executor": "dask", "site": "infn-af"},
            r"site 'infn-af' needs --scheduler with --executor dask, see docs/how-to/sites.md",
        ),
    ],
)
def test_options_that_are_refused(chain: Chain, options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        chain.task(PlotTemplates, **options)


@pytest.mark.parametrize("site", [name for name in site_names() if read_site(name).dask])
def test_options_of_sites_are_known(site: str) -> None:
    given = {"scheduler": "tls://10.0.0.1:8786"} if "required" in dict(read_site(site).dask) else {}
    factory = find_factory("dask", EXECUTORS)
    factory.check(all_options(factory, "dask", site, given))


def test_options_of_a_site_and_of_the_user(chain: Chain) -> None:
    task = chain.task(RunProcessor, config="main", executor="dask", site="t3-psi", max_workers=7)
    assert options_of(task) == {
        "cluster": "slurm", "queue": "standard", "account": "t3", "walltime": "06:00:00", "max_workers": 7,
    }  # fmt: skip
    # workers of this machine have nothing to do with a site
    assert options_of(chain.task(RunProcessor, config="main", site="t3-psi")) == {}
    assert chain.task(RunProcessor, config="main", site="t3-psi").directory == task.directory


def test_executors_and_run_options_of_pocketcoffea(
    chain: Chain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "run.yaml"
    file.write_text("chunksize: 50000\nscaleout: 7\nlimit-files: 1\nretries: 9\nqueue: short\nmem-per-worker: 4\n")
    given = {"custom_run_options": str(file), "executor": "dask@T3_CH_PSI", "chunk_size": 60_000}
    task = chain.task(PlotTemplates, config="main", **given)
    (processor,) = (each for each, *_ in task.walk_deps() if isinstance(each, RunProcessor))
    for each in (task, processor):
        assert (each.executor, each.site, each.limit_files) == ("dask", "t3-psi", 1)
        # what is on the command line goes before the file
        assert each.chunk_size == 60_000
        assert options_of(each) == {
            "cluster": "slurm", "queue": "short", "account": "t3", "walltime": "06:00:00", "retries": "9",
            "max_workers": 7, "worker_memory": "4GB",
        }  # fmt: skip
    jobs = chain.task(RunProcessor, config="main", **{**given, "executor": "condor@lxplus"})
    assert (jobs.workflow, jobs.site, jobs.flavour, jobs.memory) == ("htcondor", "lxplus", "short", 4096.0)
    assert "options without a counterpart are ignored: scaleout, retries" in capsys.readouterr().err
    with pytest.raises(ConfigError, match="--executor dask@lxplus means --site lxplus, not naf"):
        chain.task(RunProcessor, config="main", executor="dask@lxplus", site="naf")
    file.write_text("limit-files: many\n")
    with pytest.raises(ConfigError, match=f"{file}: 'many' is no value for --limit-files"):
        chain.task(RunProcessor, config="main", custom_run_options=str(file))


def test_given_options() -> None:
    assert given_options({}) == {}
    given = {"cluster": "NO_STR", "max_workers": 0, "worker_memory": "3GB", "executor_options": ("a=b=c",), "cores": 2}
    assert given_options(given) == {"worker_memory": "3GB", "a": "b=c"}


@pytest.mark.parametrize("name", ["iterative", "futures", "dask"])
def test_classes_by_name(name: str) -> None:
    assert find_factory(name, EXECUTORS).__name__ == f"{name.capitalize()}ExecutorFactory"


def test_docs_name_the_options() -> None:
    from pocket.executors.dask_executor import OPTIONS

    text = Path(ROOT / "docs" / "how-to" / "executors.md").read_text()
    assert [name for name in OPTIONS if f"`{name}`" not in text] == []
