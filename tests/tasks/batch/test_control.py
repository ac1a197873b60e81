from __future__ import annotations

from types import SimpleNamespace

import pytest

from pocket.errors import ConfigError
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
    monkeypatch.setenv("POCKET_STORE", str(chain.store))
    monkeypatch.setenv("POCKET_REMOTE_STORE", "root://server//store")
    task.prepare(config)
    assert config.render_variables == {
        "pocket_root": "/checkout",
        "pocket_store": str(chain.store),
        "pocket_remote_store": "root://server//store",
        "expected": f"RunProcessor={task.fingerprint}",
        "records": f"spec:{task.fingerprint},lock:{task.records.ids['lock']}",
        "host_kind": "slurm",
        # quoted for the shell
        "site_setup": "''",
        "container": "''",
        "proxy": "''",
        "own_store": "''",
        "pocket_environment": "''",
    }
    monkeypatch.setattr(type(task), "site_inst", Site("far", submit_from="/eos/"))
    with pytest.raises(ConfigError, match="site 'far' takes no submission from "):
        task.prepare(config)
