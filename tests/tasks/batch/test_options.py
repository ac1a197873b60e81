from __future__ import annotations

import law
import pytest

from pocket.errors import UnknownNameError
from tasks.batch.causes import Needs
from tasks.processing import RunProcessor
from tasks.toys import MakeToySamples
from tests.tasks.chain import Chain


def test_command_line_comes_before_the_site(chain: Chain) -> None:
    task = chain.task(RunProcessor, config="main")
    assert task.needs == Needs(2000.0, 3.0)
    assert task.most_needs == Needs(16000.0, 48.0)
    task = chain.task(RunProcessor, config="main", site="naf", memory=3000.0, runtime=0.5, container="/cvmfs/image")
    assert task.needs == Needs(3000.0, 0.5)
    assert (task.site_inst.name, task.site_inst.container) == ("naf", "/cvmfs/image")


def test_units_of_options() -> None:
    params = dict(RunProcessor.get_params())
    assert params["memory"].parse("3GB") == 3072.0
    assert params["runtime"].parse("90min") == 1.5


def test_where_a_task_runs_does_not_change_its_output(chain: Chain) -> None:
    local, batch = (chain.task(RunProcessor, config="main", **more) for more in ({}, {"workflow": "htcondor"}))
    assert local.directory == batch.directory
    # a job runs its branch where it is
    assert "site" in batch.exclude_params_branch
    assert batch.as_branch(0).workflow == "htcondor"
    assert law.NO_STR not in (local.workflow, batch.effective_workflow)


def test_options_are_handed_on(chain: Chain) -> None:
    merge = chain.task(workflow="htcondor", site="lxplus", memory=1234.0)
    processors = [task for task, *_ in merge.walk_deps() if task.task_family == "RunProcessor"]
    assert len(processors) == 3
    assert {(task.effective_workflow, task.site, task.memory) for task in processors} == {
        ("htcondor", "lxplus", 1234.0)
    }
    toys = {task.effective_workflow for task, *_ in merge.walk_deps() if task.task_family == "MakeToySamples"}
    assert toys == {"local"}


def test_types_of_workflows_are_those_of_the_classes() -> None:
    proxies = {getattr(parent, "workflow_proxy_cls", None) for parent in RunProcessor.__mro__} - {None}
    assert {proxy.workflow_type for proxy in proxies} - {None} == set(RunProcessor.workflow_types)
    assert MakeToySamples.workflow_types == ("local",)


def test_wrong_options(chain: Chain) -> None:
    with pytest.raises(UnknownNameError, match="unknown workflow 'condor' in PlotTemplates, --workflow, did you mean"):
        chain.task(workflow="condor")
    with pytest.raises(UnknownNameError, match="unknown site 'lxplu' in --site"):
        chain.task(RunProcessor, site="lxplu")
