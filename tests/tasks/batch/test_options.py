from __future__ import annotations

from pathlib import Path

import law
import pytest

from pocket.errors import ConfigError, UnknownNameError
from tasks.batch.causes import Cause, Needs
from tasks.batch.options import workflow_types
from tasks.chain.processing import RunProcessor
from tasks.chain.toys import MakeToySamples
from tasks.settings.sites import Site
from tests.grid import write_proxy
from tests.tasks.small_chain import Chain


def test_command_line_comes_before_the_site(chain: Chain) -> None:
    task = chain.task(RunProcessor, config="main")
    assert task.needs == Needs(2000.0, 3.0)
    assert task.most_needs == Needs(16000.0, 48.0)
    task = chain.task(RunProcessor, config="main", site="naf", memory=3000.0, runtime=0.5, container="/cvmfs/image")
    assert task.needs == Needs(3000.0, 0.5)
    assert (task.site_inst.name, task.site_inst.container) == ("naf", "/cvmfs/image")
    assert task.site_inst.environment == "shared"
    assert chain.task(RunProcessor, config="main", environment="bundle").site_inst.environment == "bundle"


def test_flavour_is_a_running_time(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    task = chain.task(RunProcessor, config="main", site="lxplus", flavour="workday")
    assert task.needs == Needs(2000.0, 8.0)
    # A retry has more time than the flavour.
    assert task.needs.after(Cause.RUNTIME, task.most_needs) == Needs(2000.0, 16.0)
    long = chain.task(RunProcessor, config="main", site="lxplus", flavour="testmatch")
    assert long.needs.after(Cause.RUNTIME, long.most_needs) == long.needs == Needs(2000.0, 72.0)

    monkeypatch.setattr("tasks.batch.control.read_site", lambda name: Site(name, flavour="espresso"))
    assert chain.task(RunProcessor, config="main", site="lxplus").site_inst.flavour == "espresso"
    given = chain.task(RunProcessor, config="main", site="lxplus", runtime=10.0)
    assert (given.site_inst.flavour, given.needs.runtime) == ("", 10.0)
    both = chain.task(RunProcessor, config="main", site="lxplus", runtime=10.0, flavour="workday")
    assert (both.site_inst.flavour, both.needs.runtime) == ("workday", 8.0)


def test_units_of_options() -> None:
    params = dict(RunProcessor.get_params())
    assert params["memory"].parse("3GB") == 3072.0
    assert params["runtime"].parse("90min") == 1.5


def test_where_a_task_runs_does_not_change_its_output(chain: Chain) -> None:
    local, batch = (chain.task(RunProcessor, config="main", **more) for more in ({}, {"workflow": "htcondor"}))
    assert local.directory == batch.directory
    # a job runs its branch where it is
    assert {"site", "environment"} <= batch.exclude_params_branch
    assert batch.as_branch(0).workflow == "htcondor"
    assert law.NO_STR not in (local.workflow, batch.effective_workflow)


def test_options_are_handed_on(chain: Chain) -> None:
    merge = chain.task(workflow="htcondor", site="lxplus", memory=1234.0)
    # some are required more than once
    processors = {task for task, *_ in merge.walk_deps() if task.task_family == "RunProcessor"}
    assert len(processors) == 3
    assert {(task.effective_workflow, task.site, task.memory) for task in processors} == {
        ("htcondor", "lxplus", 1234.0)
    }
    toys = {task.effective_workflow for task, *_ in merge.walk_deps() if task.task_family == "MakeToySamples"}
    assert toys == {"local"}


def test_types_of_workflows_are_those_of_the_classes() -> None:
    proxies = {getattr(parent, "workflow_proxy_cls", None) for parent in RunProcessor.__mro__} - {None}
    assert {proxy.workflow_type for proxy in proxies} - {None} == set(workflow_types(RunProcessor))
    assert workflow_types(MakeToySamples) == ("local",)


def test_wrong_options(chain: Chain) -> None:
    with pytest.raises(UnknownNameError, match="unknown workflow 'condor' in PlotTemplates, --workflow, did you mean"):
        chain.task(workflow="condor")
    with pytest.raises(UnknownNameError, match="unknown site 'lxplu' in --site"):
        chain.task(RunProcessor, site="lxplu")
    with pytest.raises(UnknownNameError, match="unknown environment 'bundel' in --environment, did you mean 'bundle'"):
        chain.task(RunProcessor, environment="bundel")
    with pytest.raises(ConfigError, match=r"^--slurm-partition short is for --workflow slurm, not htcondor$"):
        chain.task(workflow="htcondor", slurm_partition="short")
    with pytest.raises(ConfigError, match=r"^--htcondor-pool far is for --workflow htcondor, not slurm$"):
        chain.task(workflow="slurm", htcondor_pool="far")
    with pytest.raises(ConfigError, match=r"^--memory is 3 MB, too little for any job: give a unit, such as"):
        chain.task(workflow="slurm", memory=3.0)
    with pytest.raises(ConfigError, match=r"^site 'infn-af' takes no jobs of htcondor, it is for --executor dask$"):
        chain.task(workflow="htcondor", site="infn-af")


def test_jobs_without_the_store_are_refused_at_once(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    site = {"config": "main", "site": "osg"}
    # a task alone runs here
    assert chain.task(RunProcessor, **site).site_inst.store == "remote"
    with pytest.raises(ConfigError, match=r"^jobs at site 'osg' see nothing of .* need a remote store: "):
        chain.task(RunProcessor, workflow="htcondor", **site)
    monkeypatch.setenv("POCKET_REMOTE_STORE", "root://host//results")
    with pytest.raises(ConfigError, match=r"^jobs at site 'osg' see nothing .* need --environment bundle, not shared$"):
        chain.task(RunProcessor, workflow="htcondor", environment="shared", **site)
    with pytest.raises(ConfigError, match=r"^site 'osg' takes no jobs without a project: "):
        chain.task(RunProcessor, workflow="htcondor", **site)


@pytest.mark.slow
def test_proxy_of_jobs(chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert chain.task(RunProcessor, config="main").job_proxy(9e9) is None
    monkeypatch.setenv("X509_USER_PROXY", str(write_proxy(tmp_path / "proxy", 3600)))
    task = chain.task(RunProcessor, config="main", proxy="auto")
    assert task.job_proxy(0.5) == tmp_path / "proxy"
    assert (task.proxy_problem(0.5), "proxy" in task.exclude_params_branch) == ("", True)
    with pytest.raises(ConfigError, match="expires in 59 min, but jobs may run for 3 h 0 min"):
        task.job_proxy(task.needs.runtime)
    assert task.proxy_problem(3).startswith(f"X509 proxy {tmp_path}/proxy expires in 59 min")
    elsewhere = chain.task(RunProcessor, config="main", proxy="auto", site="lxplus-eos")
    assert "takes no submission from" in elsewhere.proxy_problem(0)
