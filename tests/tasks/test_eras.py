"""A chain of two eras with sources that they share or not, and dedicated samples, against a plain loop."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import awkward as ak
import luigi
import numpy as np
import pytest
import uproot
from luigi.task_register import Register

from pocket.columns.parquet import column_files, read_columns
from pocket.configuration.loading import _load
from pocket.histograms.files import read_sums, read_templates, read_variable
from pocket.io.store.manifest import written
from tasks.chain.plotting import PlotTemplates
from tests.law_runner import Law
from tests.tasks.mutations.world import write_events

ERAS = Path(__file__).with_name("eras")
#: as in the analysis
SHIFTS = {
    "2017": {"scale_common": 0.05, "scale_own": 0.03, "scale_barrel_2017": 0.1},
    "2018": {"scale_common": 0.02, "scale_own": 0.04, "scale_barrel_2018": 0.2},
}
WEIGHTS = {"2017": {"method": 0.1, "stat": 0.02}, "2018": {"method": 0.15, "stat": 0.01}}
LUMI = {"2017": 42070.0, "2018": 59560.0}
XSEC = {"dy": 2000.0, "tune": 1900.0, "other": 2100.0}
EDGES = np.linspace(10, 70, 7)
#: name in the templates → era → name in the analysis; the tune is one of all eras
SOURCES = {
    "scale_common": {"2017": "scale_common", "2018": "scale_common"},
    "scale_own_2017": {"2017": "scale_own"},
    "scale_own_2018": {"2018": "scale_own"},
    "scale_barrel_2017": {"2017": "scale_barrel_2017"},
    "scale_barrel_2018": {"2018": "scale_barrel_2018"},
    "sf_method": {"2017": "method", "2018": "method"},
    "sf_stat_2017": {"2017": "stat"},
    "sf_stat_2018": {"2018": "stat"},
}


def define(folder: Path, *samples: str) -> None:
    """Define the datasets of both eras: simulation, data, and samples that vary the simulation."""

    def files(name: str, **metadata: Any) -> list[dict[str, Any]]:
        return [{"paths": [f"../{name}_{year}.root"], "metadata": {"year": year, **metadata}} for year in LUMI]

    known = {
        "DY_tune": files(
            "tune",
            isMC=True,
            xsec=XSEC["tune"],
            varies={"sample": "DY", "variation": "tuneUp", "symmetrise": "mirror"},
        ),
        "DY_other": files("other", isMC=True, xsec=XSEC["other"], varies={"sample": "DY", "variation": "tuneDown"}),
    }
    content = {
        "DY": files("dy", isMC=True, xsec=XSEC["dy"]),
        "DATA": files("data", isMC=False, era="A"),
        **{name: known[name] for name in samples},
    }
    text = json.dumps({name: {"sample": name, "files": entries} for name, entries in content.items()})
    (folder / "eras" / "datasets.json").write_text(text)


def run(folder: Path) -> None:
    """Run the chain to the plots."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POCKET_STORE", str(folder / "store"))
        Register.clear_instance_cache()
        _load.cache_clear()
        task = PlotTemplates(version="v1", analysis=str(folder / "eras"), cores=1)
        assert luigi.build([task], local_scheduler=True, log_level="WARNING")
        assert task.complete()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The analysis with its chain run to the plots, with one dedicated sample."""
    folder = tmp_path_factory.mktemp("eras")
    shutil.copytree(ERAS, folder / "eras", ignore=shutil.ignore_patterns("__pycache__"))
    names = [f"{kind}_{year}" for year in LUMI for kind in (*XSEC, "data")]
    for seed, name in enumerate(names):
        write_events(folder / f"{name}.root", seed, not name.startswith("data"), 150)
    define(folder, "DY_tune")
    run(folder)
    return folder


def only(folder: Path, task: str) -> Path:
    (path,) = Law(folder).outputs(task, "eras")
    return path


def loop(folder: Path, year: str, sample: str = "dy", pt: float = 1.0, weight: float = 1.0) -> np.ndarray:
    """Return the bins of a sample in an era, counted muon by muon."""
    bins = np.zeros(len(EDGES) - 1)
    events = uproot.open(folder / f"{sample}_{year}.root")["Events"].arrays(["Muon_pt", "genWeight"]).tolist()
    factor = LUMI[year] * XSEC[sample] / sum(event["genWeight"] for event in events)
    for event in events:
        for momentum in event["Muon_pt"]:
            shifted = np.float32(momentum) * np.float32(pt)
            if 10 <= shifted < 70:
                bins[int((shifted - 10) // 10)] += factor * weight * event["genWeight"]
    return bins


def expected(folder: Path, source: str, sign: int) -> np.ndarray:
    """Return the sum of both eras in a variation; one without the source is nominal."""
    total = np.zeros(len(EDGES) - 1)
    for year in LUMI:
        own = SOURCES.get(source, {}).get(year, "")
        shifts, weights = SHIFTS[year].get(own, 0.0), WEIGHTS[year].get(own, 0.0)
        total += loop(folder, year, pt=1 + sign * shifts, weight=1 + sign * weights)
    return total


def test_sources_have_the_names_of_their_eras(folder: Path) -> None:
    by_dataset = read_variable(only(folder, "MergeOutputs"), "pt")["DY"]
    assert list(by_dataset) == ["DY_2017", "DY_2018"]
    for dataset, histogram in by_dataset.items():
        own = [name for name, eras in SOURCES.items() if dataset.removeprefix("DY_") in eras]
        assert set(histogram.axes["variation"]) == {
            "nominal",
            *(f"{name}{side}" for name in (*own, "tune") for side in ("Up", "Down")),
        }
    sums = read_sums(only(folder, "MergeOutputs"))
    assert {"sf_stat_2017Up", "sf_stat_2018Up"}.isdisjoint(sums["cutflow"]["presel"]["DY_2017"])
    assert "scale_own_2017Up" in sums["cutflow"]["presel"]["DY_2017"]
    assert "scale_own_2018Down" in sums["sumw"]["all"]["DY_2018"]["DY"]


def test_templates_of_both_eras_equal_a_loop(folder: Path) -> None:
    histogram = read_templates(only(folder, "MergeOutputs"), "pt")["DY"]
    nominal = expected(folder, "", 0)
    assert histogram["all", "nominal", :].values() == pytest.approx(nominal, rel=1e-6)
    for source in SOURCES:
        for side, sign in (("Up", 1), ("Down", -1)):
            values = expected(folder, source, sign)
            assert values != pytest.approx(nominal, rel=1e-3)
            assert histogram["all", f"{source}{side}", :].values() == pytest.approx(values, rel=1e-6), source
    tune = sum(loop(folder, year, "tune") for year in LUMI)
    assert histogram["all", "tuneUp", :].values() == pytest.approx(tune, rel=1e-6)
    assert histogram["all", "tuneDown", :].values() == pytest.approx(2 * nominal - tune, rel=1e-6, abs=1e-6)


def test_the_band_of_one_plot_has_the_sources_of_both_eras(folder: Path) -> None:
    (drawn,) = (path for path in only(folder, "PlotTemplates").rglob("*.json") if path.name != "manifest.json")
    nominal = expected(folder, "", 0)
    ups = [(expected(folder, source, 1) - nominal, expected(folder, source, -1) - nominal) for source in SOURCES]
    tune = sum(loop(folder, year, "tune") for year in LUMI) - nominal
    up = np.zeros(len(nominal))
    for one, other in [*ups, (tune, -tune)]:
        up = np.hypot(up, np.maximum(np.maximum(one, other), 0))
    assert json.loads(drawn.read_text())["mc"]["syst_up"] == pytest.approx(up, rel=1e-5)


def test_columns_have_the_names_of_their_eras(folder: Path) -> None:
    merged = only(folder, "MergeOutputs")
    files = {key: [path.stem for path in paths] for key, paths in column_files(merged).items() if key[0] == "DY"}
    assert files["DY", "all", "scale_own_2017Up"] == ["DY_2017"]
    assert files["DY", "all", "scale_commonUp"] == ["DY_2017", "DY_2018"]
    assert files["DY", "all", "tuneUp"] == ["DY_tune_2017", "DY_tune_2018"]
    assert ("DY", "all", "scale_ownUp") not in files
    columns = read_columns(merged, "DY", "all")
    weights = [name for name in columns.fields if name.startswith("weight_variation_sf_stat")]
    assert weights == [f"weight_variation_sf_stat_{year}{side}" for year in LUMI for side in ("Up", "Down")]
    # a column of another era's source has the nominal weight
    size = 150
    up = columns["weight_variation_sf_stat_2018Up"] / columns.weight
    assert ak.to_list(up) == pytest.approx([1.0] * size + [1 + WEIGHTS["2018"]["stat"]] * size, rel=1e-9)


def test_another_dedicated_sample_leaves_the_other_branches(folder: Path) -> None:
    def branches() -> dict[str, str]:
        return {
            path.relative_to(folder / "store").as_posix(): written(path)
            for path in Law(folder).outputs("RunProcessor", "eras")
        }

    before = branches()
    assert len(before) == 6
    define(folder, "DY_tune", "DY_other")
    run(folder)
    after = branches()
    assert len(after) == 8
    assert {path: after[path] for path in before} == before
    assert {path.split("/")[-2] for path in set(after) - set(before)} == {"DY_other_2017", "DY_other_2018"}
    (merged,) = (
        path for path in Law(folder).outputs("MergeOutputs", "eras") if "DY_other_2017" in str(read_sums(path))
    )
    down = sum(loop(folder, year, "other") for year in LUMI)
    assert read_templates(merged, "pt")["DY"]["all", "tuneDown", :].values() == pytest.approx(down, rel=1e-6)
