from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from omegaconf import OmegaConf

from tasks.jobs import save_plots
from tasks.processing import RunProcessor
from tasks.toys import MakeToySamples
from tests.tasks.chain import Chain


@pytest.mark.parametrize("task", [MakeToySamples, RunProcessor])
def test_jobs_travel_to_other_processes(chain: Chain, task: type) -> None:
    options = {"config": "main"} if task is RunProcessor else {}
    for branch in chain.task(task, **options).get_branch_tasks().values():
        job = branch.job()
        assert pickle.loads(pickle.dumps(job)) == job
        assert job.output["directory"] == branch.output().directory


def test_size_of_a_processing_job_is_its_number_of_events(chain: Chain) -> None:
    workflow = chain.task(RunProcessor, config="main")
    sizes = [branch.job().size for branch in workflow.get_branch_tasks().values()]
    assert max(sizes) <= 1000
    assert sum(sizes) == sum(dataset["metadata"]["nevents"] for dataset in workflow.fileset.values())


def test_figures_are_saved_with_their_numbers(tmp_path: Path) -> None:
    parameters = OmegaConf.create({"plotting_style": {"formats": ["png", "pdf"]}})
    save_plots([("a", Figure(), {"n": 1})], tmp_path / "folder", parameters)
    assert {path.name for path in (tmp_path / "folder").iterdir()} == {"a.png", "a.pdf", "a.json"}
    assert json.loads((tmp_path / "folder" / "a.json").read_text()) == {"n": 1}


def test_numbers_that_json_has_not_are_refused(tmp_path: Path) -> None:
    parameters = OmegaConf.create({"plotting_style": {"formats": ["png"]}})
    with pytest.raises(ValueError, match="not JSON compliant"):
        save_plots([("a", Figure(), {"n": float("nan")})], tmp_path, parameters)
