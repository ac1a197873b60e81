from __future__ import annotations

import json

import awkward as ak
import uproot

from tasks.jobs import GOLDEN_FILE, PILEUP_FILE, TOY_FILE
from tasks.toys import MakeToySamples
from tests.tasks.chain import Chain


def test_one_branch_per_file_and_one_for_the_corrections(chain: Chain) -> None:
    task = chain.task(MakeToySamples)
    branches = task.get_branch_map()
    assert {process for process, _, _ in branches.values()} == {"dy", "ttsemi", "wjets", "data", "corrections"}
    files = task.files()
    assert "corrections" not in files
    for process, part, n_events in branches.values():
        if process != "corrections":
            path = files[process][part]
            assert path.name == TOY_FILE
            with uproot.open(path) as file:
                assert file["Events"].num_entries == n_events
    assert {path.name for path in task.corrections.iterdir()} == {PILEUP_FILE, GOLDEN_FILE, "manifest.json"}


def test_made_again_they_are_the_same_files(chain: Chain) -> None:
    task = chain.task(MakeToySamples)
    path = task.files()["dy"][0]
    with uproot.open(path) as file:
        before, events = file.file.uuid, file["Events"].arrays(["event", "Muon_pt"])
    outputs = {task: chain.ids(task) for task in ("RunProcessor", "MergeOutputs", "PlotTemplates")}
    path.unlink()
    assert chain.missing() != set()
    chain.build()
    assert chain.missing() == set()
    # made from the same files, all that follows stays as it is
    assert {task: chain.ids(task) for task in outputs} == outputs
    with uproot.open(path) as file:
        assert file.file.uuid == before
        assert ak.array_equal(file["Events"].arrays(["event", "Muon_pt"]), events)


def test_the_seed_is_part_of_the_path(chain: Chain) -> None:
    paths = {chain.task(MakeToySamples, params=params).directory for params in ((), ("toys.seed=1",))}
    assert len(paths) == 2
    assert json.loads((chain.task(MakeToySamples).corrections / GOLDEN_FILE).read_text())
