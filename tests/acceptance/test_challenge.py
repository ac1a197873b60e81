"""The Analysis Grand Challenge, from files to plots, against a plain loop over events."""

from __future__ import annotations

import itertools
import json
import math
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import luigi
import numpy as np
import pytest
import uproot
from luigi.task_register import Register

from pocket.configuration.loading import _load, load_analysis
from pocket.histograms.files import read_sums, read_templates
from pocket.toys.config import ToyConfig
from pocket.toys.generator import generate
from pocket.toys.nanoaod import write_nanoaod
from tasks.chain.plotting import PlotTemplates
from tests.law_runner import Law
from tests.oracle import objects
from tests.real_files import real_file

pytestmark = pytest.mark.slow

CHALLENGE = Path(__file__).with_name("challenge")
LUMI = 3378.0
XSEC = {"ttbar": 729.84, "wjets": 15487.164}
EDGES = [50 + 20 * number for number in range(26)]
BRANCHES = [
    *(f"Electron_{name}" for name in ("pt", "eta", "cutBased", "sip3d")),
    *(f"Muon_{name}" for name in ("pt", "eta", "tightId", "sip3d", "pfRelIso04_all")),
    *(f"Jet_{name}" for name in ("pt", "eta", "phi", "mass", "jetId", "btagDeepFlavB")),
]


@dataclass(frozen=True)
class Chain:
    """The analysis run to its plots.

    Args:
        folder: holds the analysis and the store.
        files: sample → its file.
    """

    folder: Path
    files: Mapping[str, Path]

    def output(self, task: str) -> Path:
        (path,) = Law(self.folder).outputs(task, "challenge")
        return path


def toy_file(folder: Path, process: str) -> Path:
    config = ToyConfig.from_params(load_analysis("ttbar").config("small").parameters.toys)
    path = folder / f"{process}.root"
    write_nanoaod(path, generate(process, 3000, config, part=0), file_uuid=uuid.uuid5(uuid.NAMESPACE_OID, process))
    return path


@pytest.fixture(scope="module", params=["toys", "real"])
def chain(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Chain:
    folder = tmp_path_factory.mktemp(request.param)
    shutil.copytree(CHALLENGE, folder / "challenge", ignore=shutil.ignore_patterns("__pycache__"))
    if request.param == "toys":
        files = {"ttbar": toy_file(folder, "ttsemi"), "wjets": toy_file(folder, "wjets")}
    else:
        # twice the same file would count twice; the sample without jets of its own is small
        files = {"ttbar": real_file("nano_tt_v12.root"), "wjets": toy_file(folder, "wjets")}
    definitions = {
        sample: {
            "sample": sample,
            "files": [{"paths": [str(path)], "metadata": {"year": "2015", "isMC": True, "xsec": XSEC[sample]}}],
        }
        for sample, path in files.items()
    }
    (folder / "challenge" / "datasets.json").write_text(json.dumps(definitions))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POCKET_STORE", str(folder / "store"))
        Register.clear_instance_cache()
        _load.cache_clear()
        task = PlotTemplates(version="v1", analysis=str(folder / "challenge"), cores=1, events_per_branch=1000)
        assert luigi.build([task], local_scheduler=True, log_level="WARNING")
    return Chain(folder, files)


Bins = dict[tuple[str, str], np.ndarray]


def loop(path: Path, sample: str) -> tuple[Bins, dict[str, float]]:
    """Return (histogram, variation) → bins with the flow, and category → yield, event by event."""
    with uproot.open(path) as file:
        columns = file["Events"].arrays(BRANCHES, library="np")
    size = len(columns["Jet_pt"])
    factor = XSEC[sample] * LUMI / size
    bins: Bins = {}
    yields = {"4j1b": 0.0, "4j2b": 0.0}
    for number in range(size):
        event = {name: values[number] for name, values in columns.items()}
        leptons = sum(map(good_electron, objects(event, "Electron"))) + sum(map(good_muon, objects(event, "Muon")))
        if leptons != 1:
            continue
        for shape, scale in SHAPES.items():
            jets = [{**jet, "pt": scale(jet)} for jet in objects(event, "Jet")]
            jets = [jet for jet in jets if jet["pt"] > 30 and abs(jet["eta"]) < 2.4 and jet["jetId"] == 6]
            tags = sum(jet["btagDeepFlavB"] > 0.5 for jet in jets)
            if len(jets) < 4 or not tags:
                continue
            category, name, value = (
                ("4j1b", "ht", sum(jet["pt"] for jet in jets)) if tags == 1 else ("4j2b", "trijet_mass", trijet(jets))
            )
            weights = {shape: 1.0}
            if shape == "nominal":
                yields[category] += factor
                for which in range(4):
                    change = 0.075 * jets[which]["pt"] / 50
                    weights |= {f"btag_var_{which}Up": 1 + change, f"btag_var_{which}Down": 1 - change}
                if sample == "wjets":
                    weights |= {"scale_varUp": 1.1, "scale_varDown": 0.9}
            position = sum(value >= edge for edge in EDGES)
            for variation, weight in weights.items():
                bins.setdefault((name, variation), np.zeros(len(EDGES) + 1))[position] += factor * weight
    return bins, yields


SHAPES: dict[str, Any] = {
    "nominal": lambda jet: float(jet["pt"]),
    "pt_scaleUp": lambda jet: float(np.float32(jet["pt"]) * np.float32(1.03)),
    "pt_resUp": lambda jet: float(jet["pt"]) * (1 + 0.05 * math.sin(1000 * float(jet["eta"]))),
}


def good_electron(electron: Mapping[str, Any]) -> bool:
    return bool(
        electron["pt"] > 30 and abs(electron["eta"]) < 2.1 and electron["cutBased"] == 4 and electron["sip3d"] < 4
    )


def good_muon(muon: Mapping[str, Any]) -> bool:
    isolated = muon["tightId"] and muon["sip3d"] < 4 and muon["pfRelIso04_all"] < np.float32(0.15)
    return bool(muon["pt"] > 30 and abs(muon["eta"]) < 2.1 and isolated)


def trijet(jets: list[dict[str, Any]]) -> float:
    """Return the mass of the three jets with the largest momentum together, one of which is tagged."""
    best, mass = -1.0, -1.0
    for three in itertools.combinations(jets, 3):
        if not any(jet["btagDeepFlavB"] > 0.5 for jet in three):
            continue
        px = sum(jet["pt"] * math.cos(jet["phi"]) for jet in three)
        py = sum(jet["pt"] * math.sin(jet["phi"]) for jet in three)
        pz = sum(jet["pt"] * math.sinh(jet["eta"]) for jet in three)
        energy = sum(math.hypot(jet["mass"], jet["pt"] * math.cosh(jet["eta"])) for jet in three)
        if math.hypot(px, py) > best:
            best = math.hypot(px, py)
            mass = math.sqrt(max(energy**2 - px**2 - py**2 - pz**2, 0.0))
    return mass


def test_every_bin(chain: Chain) -> None:
    merged = chain.output("MergeOutputs")
    filled = 0
    for sample, path in chain.files.items():
        bins, yields = loop(path, sample)
        assert sum(yields.values()) > 0
        sums = read_sums(merged)
        for category, sum_of_weights in yields.items():
            (found,) = (entry[sample]["nominal"] for entry in sums["sumw"][category].values() if sample in entry)
            assert found == pytest.approx(sum_of_weights, rel=1e-9)
        for name, category in {"ht": "4j1b", "trijet_mass": "4j2b"}.items():
            histogram = read_templates(merged, name)[sample]
            nothing = np.zeros(len(EDGES) + 1)
            nominal, up = (bins.get((name, variation), nothing) for variation in ("nominal", "pt_scaleUp"))
            expected_bins = {
                **{variation: values for (of, variation), values in bins.items() if of == name},
                "pt_scaleDown": 2 * nominal - up,
                "pt_resDown": nominal,
            }
            assert set(expected_bins) <= set(histogram.axes["variation"])
            for variation in histogram.axes["variation"]:
                values = histogram[category, variation, :].values(flow=True)
                expected = expected_bins.get(variation, nothing)
                # a difference of large numbers may be 0 or not quite
                assert values == pytest.approx(expected, rel=1e-6, abs=1e-6), (name, variation)
                filled += int((values != 0).sum())
    assert filled > 100


def test_variations_are_those_of_the_challenge(chain: Chain) -> None:
    for sample, more in {"ttbar": set(), "wjets": {"scale_var"}}.items():
        variations = read_templates(chain.output("MergeOutputs"), "ht")[sample].axes["variation"]
        stems = {"pt_scale", "pt_res", *(f"btag_var_{number}" for number in range(4)), *more}
        assert set(variations) == {"nominal", *(f"{stem}{side}" for stem in stems for side in ("Up", "Down"))}


def test_events_are_shared(chain: Chain) -> None:
    divided = read_sums(chain.output("MergeOutputs"))["divided_by"]
    sizes = {"ttbar": 200.0 if chain.folder.name.startswith("real") else 3000.0, "wjets": 3000.0}
    assert {name: entry for entries in divided.values() for name, entry in entries.items()} == {
        sample: {"*": {"nevents": size}} for sample, size in sizes.items()
    }


def test_plots(chain: Chain) -> None:
    pictures = {path.name for path in chain.output("PlotTemplates").rglob("*.png")}
    assert {"ht.png", "trijet_mass.png"} <= pictures
