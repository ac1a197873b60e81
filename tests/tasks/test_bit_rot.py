"""Outputs whose bytes changed while size and time stayed: noticed where they are read, named, and made again."""

from __future__ import annotations

from pathlib import Path

import pytest

from pocket.base.containers import members
from pocket.io.store import is_complete
from tasks.chain.merging import MergeOutputs
from tasks.chain.plotting import PlotTemplates
from tasks.chain.processing import RunProcessor
from tasks.chain.scale_factors import ComputeScaleFactors
from tasks.framework.base import StoreTask
from tests.tasks.damage import rot
from tests.tasks.small_chain import Chain, contents

pytestmark = pytest.mark.slow


def remove(chain: Chain, task: str, part: str) -> None:
    for path in chain.outputs(task, part):
        (path if path.is_file() else path / "manifest.json").unlink()


@pytest.mark.parametrize(
    ("task", "part", "file", "reader", "of", "params"),
    [
        ("RunProcessor", "main", "raw.h5", MergeOutputs, "main", {"config": "main"}),
        ("RunProcessor", "main", ".parquet", MergeOutputs, "main", {"config": "main"}),
        ("MergeOutputs", "probes", "histograms.h5", ComputeScaleFactors, "tight_id", {"scale_factor": "tight_id"}),
        ("MergeOutputs", "main", "histograms.h5", PlotTemplates, "corrected", {}),
        ("ComputeScaleFactors", "tight_id", "tight_id.json", RunProcessor, "corrected", {"config": "corrected"}),
        ("MakeToySamples", "", "events.root", RunProcessor, "main", {"config": "main"}),
        ("BuildDatasets", "", "fileset.json", RunProcessor, "main", {"config": "main"}),
    ],
)
def test_rotten_output(
    chain: Chain, task: str, part: str, file: str, reader: type[StoreTask], of: str, params: dict[str, str]
) -> None:
    before, templates = chain.contents(""), chain.templates("corrected")
    remove(chain, reader.task_family, of)
    output, damaged = next(
        (output, name) for output in chain.outputs(task, part) for name in contents(output) if name.endswith(file)
    )
    if output.is_file():
        rot(output, members(output)[damaged].offset)
    else:
        rot(output / damaged)
    assert is_complete(output)
    sentence = chain.error(reader, **params)
    assert f"{damaged} in {output} isn't what was written" in sentence
    assert not is_complete(output)
    # nothing else is lost
    others = {path for path in before if path != output and not (reader.task_family in path.parts and of in str(path))}
    assert all(is_complete(path) for path in others)
    chain.build()
    assert chain.contents("") == before
    assert chain.templates("corrected") == templates
    assert chain.missing() == set()


def test_readers_that_are_there_are_not_made_again(chain: Chain) -> None:
    before = chain.ids("")
    damaged = chain.outputs("RunProcessor", "main")[0]
    rot(damaged, members(damaged)["raw.h5"].offset)
    (merged := chain.output("MergeOutputs", "main") / "manifest.json").rename(merged.with_name("kept"))
    chain.error(MergeOutputs, config="main")
    merged.with_name("kept").rename(merged)
    chain.build()
    assert {path for path, writing in chain.ids("").items() if before[path] != writing} == {damaged}


def test_merging_of_some_branches(chain: Chain) -> None:
    damaged: Path = chain.outputs("RunProcessor", "main")[0]
    remove(chain, "MergeOutputs", "main")
    rot(damaged, members(damaged)["raw.h5"].offset)
    sentence = chain.error(MergeOutputs, config="main", branches_per_merge=2)
    assert f"raw.h5 in {damaged} isn't what was written" in sentence
    chain.build(MergeOutputs, config="main", branches_per_merge=2)
    assert is_complete(damaged)
