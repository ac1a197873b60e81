"""A chain of two years whose variations differ, from samples to plots, against a plain loop."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import luigi
import numpy as np
import pytest
import uproot
from luigi.task_register import Register

from pocket.configuration.loading import _load
from pocket.histograms.files import read_sums, read_templates
from tasks.chain.plotting import PlotTemplates
from tests.law_runner import Law
from tests.tasks.mutations.world import write_events

YEARS = Path(__file__).with_name("years")
#: as in the analysis; ``drift`` goes up only
SHIFTS = {
    "2017": {"common": 0.05, "alignment_2017": 0.1},
    "2018": {"common": 0.02, "alignment_2018": 0.2, "drift": 0.3},
}
LUMI = {"2017": 42070.0, "2018": 59560.0}
XSEC = 2000.0
EDGES = np.linspace(10, 70, 7)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The analysis with its chain run to the plots."""
    folder = tmp_path_factory.mktemp("years")
    shutil.copytree(YEARS, folder / "years", ignore=shutil.ignore_patterns("__pycache__"))
    files = {"dy_2017": True, "dy_2018": True, "data_2018": False}
    for seed, (name, is_mc) in enumerate(files.items()):
        write_events(folder / f"{name}.root", seed, is_mc)

    def entry(name: str, **metadata: object) -> dict[str, object]:
        return {"paths": [f"../{name}.root"], "metadata": {"year": name[-4:], **metadata}}

    definitions = {
        "DY": {"sample": "DY", "files": [entry(f"dy_{year}", isMC=True, xsec=XSEC) for year in SHIFTS]},
        "DATA": {"sample": "DATA", "files": [entry("data_2018", isMC=False, era="A")]},
    }
    (folder / "years" / "datasets.json").write_text(json.dumps(definitions))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POCKET_STORE", str(folder / "store"))
        Register.clear_instance_cache()
        _load.cache_clear()
        task = PlotTemplates(version="v1", analysis=str(folder / "years"), cores=1)
        assert luigi.build([task], local_scheduler=True, log_level="WARNING")
        assert task.complete()
    return folder


def only(folder: Path, task: str) -> Path:
    (path,) = Law(folder).outputs(task, "years")
    return path


def expected(folder: Path, variation: str) -> np.ndarray:
    """Return the bins of simulation, counted muon by muon."""
    bins = np.zeros(len(EDGES) - 1)
    source, sign = variation.removesuffix("Up").removesuffix("Down"), 1 if variation.endswith("Up") else -1
    for year, shifts in SHIFTS.items():
        events = uproot.open(folder / f"dy_{year}.root")["Events"].arrays(["Muon_pt", "genWeight"]).tolist()
        factor = LUMI[year] * XSEC / sum(event["genWeight"] for event in events)
        for event in events:
            for pt in event["Muon_pt"]:
                shifted = np.float32(pt) * np.float32(1 + sign * shifts.get(source, 0))
                if 10 <= shifted < 70:
                    bins[int((shifted - 10) // 10)] += factor * event["genWeight"]
    return bins


def test_a_source_of_one_year_is_nominal_in_the_other(folder: Path) -> None:
    histogram = read_templates(only(folder, "MergeOutputs"), "pt")["DY"]
    sources = {f"scale_{source}": source for shifts in SHIFTS.values() for source in shifts}
    assert set(histogram.axes["variation"]) == {
        "nominal",
        *(f"{name}{side}" for name in sources for side in ("Up", "Down")),
    }
    nominal = expected(folder, "nominal")
    assert histogram["all", "nominal", :].values() == pytest.approx(nominal, rel=1e-6)
    for name, source in sources.items():
        up = expected(folder, f"{source}Up")
        down = 2 * nominal - up if source == "drift" else expected(folder, f"{source}Down")
        assert up != pytest.approx(nominal, rel=1e-3)
        for side, values in (("Up", up), ("Down", down)):
            assert histogram["all", f"{name}{side}", :].values() == pytest.approx(values, rel=1e-6), f"{name}{side}"


def test_the_band_has_the_sources_of_both_years(folder: Path) -> None:
    (drawn,) = (path for path in only(folder, "PlotTemplates").rglob("*.json") if path.name != "manifest.json")
    nominal = expected(folder, "nominal")
    up = np.zeros(len(nominal))
    for source in {**SHIFTS["2017"], **SHIFTS["2018"]}:
        one = expected(folder, f"{source}Up") - nominal
        other = -one if source == "drift" else expected(folder, f"{source}Down") - nominal
        up = np.hypot(up, np.maximum(np.maximum(one, other), 0))
    assert json.loads(drawn.read_text())["mc"]["syst_up"] == pytest.approx(up, rel=1e-6)


def test_sums_say_what_each_year_was_divided_by(folder: Path) -> None:
    sums = read_sums(only(folder, "MergeOutputs"))
    for dataset, divided in sums["divided_by"].items():
        assert divided == {"DY": {"*": {"sum_genweights": sums["sum_genweights"][dataset]}}}
    assert len(sums["divided_by"]) == 2
