"""Reads of each kind of task, as strace sees them, in its manifest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tasks.chain.auditing import unrecorded_reads
from tasks.chain.datasets import BuildDatasets
from tasks.chain.exporting import ExportCoffea
from tasks.chain.merging import MergeOutputs
from tasks.chain.plotting import PlotCutflow, PlotScaleFactors, PlotTemplates
from tasks.chain.processing import RunProcessor
from tasks.chain.scale_factors import ComputeScaleFactors
from tasks.chain.systematics import PlotShapes
from tasks.chain.toys import MakeToySamples
from tasks.chain.validation import ValidateScaleFactors
from tasks.framework.fresh import make_fresh
from tasks.statistics.datacards import ProduceDatacards
from tasks.statistics.fitting import FitModel
from tasks.statistics.plotting import PlotFit
from tasks.statistics.systematics import PlotSystematics
from tests.tasks.small_chain import Chain
from tests.tasks.statistics.conftest import modelled

__all__ = ["modelled"]

pytestmark = pytest.mark.slow

KINDS: list[tuple[Any, dict[str, Any]]] = [
    (MakeToySamples, {"branch": 0}),
    (BuildDatasets, {}),
    (RunProcessor, {"config": "main", "branch": 0}),
    (RunProcessor, {"config": "corrected", "branch": 1}),
    (MergeOutputs, {"config": "main"}),
    (ComputeScaleFactors, {"scale_factor": "tight_id"}),
    (ValidateScaleFactors, {"scale_factor": "tight_id"}),
    (PlotTemplates, {}),
    (PlotSystematics, {}),
    (PlotCutflow, {}),
    (PlotScaleFactors, {"scale_factor": "tight_id"}),
    (PlotShapes, {}),
    (ExportCoffea, {}),
]
OF_MODELS: list[tuple[Any, dict[str, Any]]] = [(ProduceDatacards, {}), (FitModel, {}), (PlotFit, {})]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where fresh processes share what they compile, as those of one audit do."""
    return tmp_path_factory.mktemp("fresh")


def made(chain: Chain, cls: Any, options: dict[str, Any], folder: Path) -> list[str]:
    """Make what a task needs and its output, make the output again, and return the reads that nothing records."""
    chain.build(cls, **options)
    task = chain.task(cls, **options)
    fresh = make_fresh(task, folder / task.progress_label.replace(" ", "-"), trace=True)
    assert fresh.failure == ""
    assert fresh.accesses
    return list(unrecorded_reads(task, fresh))


@pytest.mark.strace
@pytest.mark.parametrize(("cls", "options"), KINDS, ids=lambda value: getattr(value, "__name__", ""))
def test_reads_of_the_chain(cls: Any, options: dict[str, Any], chain: Chain, folder: Path) -> None:
    assert made(chain, cls, options, folder) == []


@pytest.mark.strace
@pytest.mark.parametrize(("cls", "options"), OF_MODELS, ids=lambda value: getattr(value, "__name__", ""))
def test_reads_of_models(cls: Any, options: dict[str, Any], modelled: Chain, folder: Path) -> None:
    assert made(modelled, cls, {"model": "z", **options}, folder) == []


def test_failures_are_told(chain: Chain, tmp_path: Path) -> None:
    task = chain.task(MergeOutputs, config="main")
    assert task.fingerprint
    chain.edit("parameters.yaml", "pt: 20.0", "pt: 21.0")
    fresh = make_fresh(task, tmp_path / "0", trace=False)
    assert "its code was changed since this command began" in fresh.failure
    assert (fresh.accesses, fresh.place.exists()) == (None, False)
