from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import correctionlib
import pytest
import uproot

from pocket.errors import UnknownNameError
from tasks.chain.branch_jobs import GOLDEN_FILE, PILEUP_FILE
from tasks.chain.datasets import BuildDatasets
from tasks.chain.toys import MakeToySamples
from tests.tasks.small_chain import Chain

#: of the scale and the size of files in the parameters of the small analysis
PLAN = [
    *[("dy", 0, 1000), ("dy", 1, 800)],
    *[("ttsemi", 0, 200), ("wjets", 0, 500)],
    *[("data", 0, 1000), ("data", 1, 358)],
    ("corrections", 0, 0),
]


def read(path: Path) -> dict[str, Any]:
    with uproot.open(path) as file:
        arrays: dict[str, Any] = file["Events"].arrays(["event", "genWeight", "Muon_pt"], library="np")
        return {name: [value.tolist() for value in values] for name, values in arrays.items()}


def test_branches_are_files(chain: Chain) -> None:
    task: MakeToySamples = chain.task(MakeToySamples)
    assert list(task.branch_map.values()) == PLAN
    files = task.files()
    assert list(files) == ["dy", "ttsemi", "wjets", "data"]
    assert [path.parent.name for path in files["dy"]] == ["dy_000", "dy_001"]
    for process, part, size in PLAN[:-1]:
        with uproot.open(files[process][part]) as file:
            assert file["Events"].num_entries == size


def test_corrections_belong_to_the_toys(chain: Chain) -> None:
    task: MakeToySamples = chain.task(MakeToySamples)
    name = task.toy_config("toys").truth.pileup.correction
    weight = correctionlib.CorrectionSet.from_file(str(task.corrections / PILEUP_FILE))[name]
    # data have more pileup than the simulation
    assert weight.evaluate(20.0, "nominal") < 1 < weight.evaluate(50.0, "nominal")
    golden = json.loads((task.corrections / GOLDEN_FILE).read_text())
    assert set(golden) <= {str(run.number) for run in task.toy_config("toys").data.runs}


@pytest.mark.slow
def test_file_that_was_lost_is_made_again_as_it_was(chain: Chain) -> None:
    task: MakeToySamples = chain.task(MakeToySamples)
    before = chain.ids("MakeToySamples")
    lost = task.files()["dy"][1]
    content = read(lost)
    shutil.rmtree(lost.parent)
    assert chain.build(MakeToySamples) == ["MakeToySamples toys"]
    again = chain.ids("MakeToySamples")
    assert {path for path, identifier in again.items() if identifier != before[path]} == {lost.parent}
    assert read(lost) == content
    # the branches know it by its UUID, so they stand as they are
    branches = chain.ids("RunProcessor")
    chain.build(config="main")
    assert chain.ids("RunProcessor") == branches


def test_path_follows_the_parameters_of_the_toys(chain: Chain) -> None:
    changes = ("toys.seed=1", "toys.truth.muon_id.sf=0.9", "toys.events_per_file=500", "leading_muon.pt=35")
    directory = chain.task(MakeToySamples).directory
    same = [change for change in changes if chain.task(MakeToySamples, params=(change,)).directory == directory]
    assert same == ["leading_muon.pt=35"]


def test_years_that_configurations_read_are_made(tmp_path: Path) -> None:
    chain = Chain.make(tmp_path)
    assert chain.task(MakeToySamples).years == ("toys",)
    years = {"dy": "2022_preEE", "data": "2023_preBPix"}
    for process, year in years.items():
        entry = f'"{process}", "metadata": {{"year": '
        chain.edit("datasets.json", f'{entry}"toys"', f'{entry}"{year}"')
    definition = {"definition": str(chain.analysis / "datasets.json")}
    chain.build(BuildDatasets, **definition)
    task: MakeToySamples = chain.task(MakeToySamples)
    assert task.years == tuple(years.values())
    assert [process for process, part, _ in task.branch_map.values() if part == 0] == [
        *(f"{year}/{process}" for year in years.values() for process in ("dy", "ttsemi", "wjets", "data")),
        "corrections",
    ]
    fileset = chain.task(BuildDatasets, **definition).fileset()
    assert {name: list(map(Path, part["files"])) for name, part in fileset.items()} == {
        "DYJetsToMuMu_2022_preEE": task.files()["2022_preEE/dy"],
        "DATA_SingleMuon_2023_preBPix": task.files()["2023_preBPix/data"],
    }
    for year in years.values():
        golden = json.loads((task.corrections / year / GOLDEN_FILE).read_text())
        assert set(golden) == {str(run.number) for run in task.toy_config(year).data.runs}
        name = task.toy_config(year).truth.pileup.correction
        assert name in correctionlib.CorrectionSet.from_file(str(task.corrections / year / PILEUP_FILE))
    assert not (task.corrections / GOLDEN_FILE).exists()


def test_year_without_toys(tmp_path: Path) -> None:
    chain = Chain.make(tmp_path)
    chain.edit("datasets.json", '"dy", "metadata": {"year": "toys"', '"dy", "metadata": {"year": "2017"')
    task: MakeToySamples = chain.task(MakeToySamples)
    with pytest.raises(UnknownNameError, match=r"unknown year of toys '2017' in params/toys\.yaml"):
        task.create_branch_map()
