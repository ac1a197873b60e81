from __future__ import annotations

import inspect
import re
from types import SimpleNamespace
from typing import Any

import pytest
from law.workflow import remote

from pocket.errors import ConfigError
from tasks.batch.control import _HOOKS, _USUAL, BatchControl, add_hooks, check_workflow
from tasks.batch.submission import BatchProxy
from tasks.chain.processing import RunProcessor
from tasks.settings.sites import Site
from tests.tasks.small_chain import Chain


@pytest.mark.slow
@pytest.mark.parametrize("workflow", ["htcondor", "slurm"])
def test_one_folder_for_each_batch_system(chain: Chain, workflow: str) -> None:
    task = chain.task(RunProcessor, config="main", workflow=workflow)
    assert task.control == task.directory / f".{workflow}"
    assert task.submission_directory == task.control / "submissions"
    assert task.output_directory().path == str(task.control)
    assert task.batch_name == "RunProcessor.main.v1"
    # law asks for them by these names
    for hook in ("poll_callback", "check_job_completeness", "use_local_scheduler", "post_submit_delay"):
        assert getattr(type(task), f"{workflow}_{hook}") is getattr(type(task), hook)


def test_what_a_submission_needs(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    task = chain.task(RunProcessor, config="main", workflow="slurm")
    config = SimpleNamespace(render_variables={})
    monkeypatch.setenv("POCKET_ROOT", "/checkout")
    monkeypatch.setenv("LAW_CONFIG_FILE", "/checkout/law.cfg")
    monkeypatch.setenv("POCKET_STORE", str(chain.store))
    monkeypatch.setenv("POCKET_REMOTE_STORE", "root://server//store")
    task.prepare(config)
    assert config.render_variables == {
        "pocket_root": "/checkout",
        "pocket_store": str(chain.store),
        "pocket_remote_store": "root://server//store",
        "expected": f"RunProcessor={task.fingerprint}",
        "records": f"spec:{task.fingerprint},lock:{task.records['lock']}",
        "host_kind": "slurm",
        # quoted for the shell
        "site_setup": "''",
        "container": "''",
        "proxy": "''",
        "own_store": "''",
        "pocket_environment": "''",
        "law_config": "''",
    }
    monkeypatch.setattr(type(task), "site_inst", Site("far", submit_from="/eos/"))
    with pytest.raises(ConfigError, match="site 'far' takes no submission from "):
        task.check_placement()


class OwnProxy(BatchProxy):
    """A proxy for a system that law has no classes for."""

    workflow_type = "own"

    def create_job_file(self, job_num: int, branches: list[int]) -> dict[str, Any]:
        return {"job": f"{job_num}.sh"}

    def write_group(self, jobs: Any) -> list[Any]:
        return list(jobs)


class OwnBatch(BatchControl):
    """A workflow on such a system."""

    workflow_proxy_cls = OwnProxy
    own_create_job_manager = own_create_job_file_factory = lambda self, **kwargs: kwargs


def test_what_law_asks_of_any_batch_system_is_answered() -> None:
    check_workflow("own", OwnBatch)
    made = type("Own", (OwnBatch,), {"exclude_index": True, "own_output_postfix": lambda self: "_mine"})
    add_hooks("own", made)
    asked = set(re.findall(r'_get_task_attribute\("(\w+)"', inspect.getsource(remote)))
    assert {"workflow_run_context", "post_poll_callback", "output_directory"} <= asked
    assert {hook for hook in {*asked, "job_kwargs"} if not hasattr(made, f"own_{hook}")} == set()
    # what a class has itself stays, but for what all systems must answer alike
    assert made.own_output_postfix(made) == "_mine"
    assert made.own_poll_callback is BatchControl.poll_callback
    with made.own_workflow_run_context(made):
        pass
    usual = ("job_resources", (1, [0]), {}), ("check_job_completeness_delay", (), 0.0), ("workflow_requires", (), {})
    for hook, arguments, answer in usual:
        assert getattr(made, f"own_{hook}")(made, *arguments) == answer
    assert not {*_HOOKS} & set(_USUAL)


def test_manager_and_factory_are_made_by_the_workflow() -> None:
    proxy = OwnProxy.__new__(OwnProxy)
    proxy.task = SimpleNamespace(own_create_job_manager=dict, own_create_job_file_factory=dict, job_files=dict)
    assert proxy.create_job_manager(threads=2) == {"threads": 2}
    assert proxy.create_job_file_factory(dir="there") == {"dir": "there"}


@pytest.mark.parametrize(
    ("bases", "changes", "sentence"),
    [
        ((object,), {}, "Mine doesn't derive from BatchControl"),
        (
            (BatchControl,),
            {"workflow_proxy_cls": dict},
            "Mine needs workflow_proxy_cls, a class that derives from Ba.*",
        ),
        (
            (OwnBatch,),
            {"workflow_proxy_cls": type("LSFProxy", (OwnProxy,), {"workflow_type": "lsf"})},
            "Mine: workflow_type of LSFProxy is 'lsf', expected 'own'",
        ),
        (
            (BatchControl,),
            {"workflow_proxy_cls": type("Bare", (BatchProxy,), {"workflow_type": "own"})},
            "Mine lacks own_create_job_manager and own_create_job_file_factory and Bare.create_job_file and "
            "Bare.write_group, see docs/how-to/extending.md",
        ),
    ],
)
def test_a_class_that_lacks_something_is_refused(bases: Any, changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=f"^batch system 'own': {sentence}$"):
        check_workflow("own", type("Mine", bases, {**changes, "exclude_index": True}))
