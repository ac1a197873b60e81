from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot

from analysis.zmumu.config import ABSETA, ID_PT, TRIGGER_ABSETA, TRIGGER_PT
from pocket.base.fingerprint import digest
from pocket.configuration.loading import load_analysis
from pocket.datasets.branches import Branch, Segment
from pocket.engine.resources import Resources
from pocket.engine.run import run_branch
from pocket.toys.config import ToyConfig
from pocket.toys.generator import generate
from pocket.toys.nanoaod import write_nanoaod
from pocket.toys.resources import write_golden_json
from tests.analysis.toy_files import passes_skim, uuid_of

CONFIGS = (
    *("tnp", "tnp_closure", "id_probes", "trigger_probes", "trigger_eff", "trigger_closure", "dy_pt"),
    *("nominal", "calibrated", "calibrated_root", "real_samples"),
)
PROBES, SPECTRA = CONFIGS[:6], CONFIGS[6:]
PRINT_DIGESTS = """
from pocket.configuration.loading import load_analysis
from pocket.base.fingerprint import digest
for config in load_analysis("zmumu").configs.values():
    print(digest(config.plan().spec()))
"""


def test_configurations() -> None:
    analysis = load_analysis("zmumu")
    assert tuple(analysis.configs) == CONFIGS
    assert analysis.default_config == "calibrated"
    # each is measured with those before it
    order = ("muon_id", "trigger", "dy_pt")
    assert tuple(analysis.scale_factors) == order
    for position, name in enumerate(order):
        declaration = analysis.scale_factor(name)
        assert analysis.config(declaration.input).scale_factors == declaration.upstream == order[:position]
    assert analysis.config("calibrated").scale_factors == order
    assert analysis.config("nominal").scale_factors == ()
    assert analysis.config("calibrated_root").scale_factors == order


@pytest.mark.slow
def test_fingerprints_are_the_same_in_every_process() -> None:
    here = [digest(config.plan().spec()) for config in load_analysis("zmumu").configs.values()]
    assert len(set(here)) == len(CONFIGS)
    for seed in ("0", "1"):
        run = subprocess.run(
            [sys.executable, "-c", PRINT_DIGESTS],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert run.stdout.split() == here


@pytest.mark.parametrize(
    ("override", "changed"),
    [
        ("dimuon.mass_low=61", SPECTRA),
        ("dimuon.leading_pt=28", SPECTRA),
        ("dimuon.peak=91", SPECTRA[:-1]),
        ("tag_and_probe.tag_pt=30", PROBES),
        ("object_preselection.Muon.pt=25", CONFIGS),
        ("object_preselection.Photon.pt=25", ()),
        ("pileup.2016_PreVFP.name=another", ()),
        ("muon_scale.toys.uncertainty=0.1", ()),
        ("lumi.picobarns.toys.tot=81", ()),
        ("plotting_style.label=Preliminary", ()),
        ("toys.seed=1", ()),
    ],
)
def test_a_parameter_changes_what_reads_it(override: str, changed: tuple[str, ...]) -> None:
    before, after = load_analysis("zmumu"), load_analysis("zmumu", (override,))
    specs = [{name: digest(config.plan().spec()) for name, config in a.configs.items()} for a in (before, after)]
    # lumi is for the merging
    assert {name for name in CONFIGS if specs[0][name] != specs[1][name]} == set(changed)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file of data, and the certified luminosity blocks."""
    folder = tmp_path_factory.mktemp("muons")
    toy_config = ToyConfig.from_params(load_analysis("zmumu").config("tnp").parameters.toys)
    write_nanoaod(folder / "data.root", generate("data", 4000, toy_config, part=0), file_uuid=uuid_of("data"))
    write_golden_json(folder / "golden.json", toy_config)
    return folder


def pairs_of(path: Path, measure: str) -> list[tuple[bool, float, float]]:
    """Return passing, pt and |η| of the probe of each pair, by loops without any of the package's code."""
    with uproot.open(path) as file:
        events = file["Events"].arrays()
    found = []
    for event in events:
        if not passes_skim(event, "Muon", "HLT_IsoMu24"):
            continue
        muons: list[dict[str, Any]] = []
        for i in range(len(event["Muon_pt"])):
            keys = ("pt", "eta", "phi", "charge", "looseId", "tightId", "pfRelIso04_all")
            muon = {key: event[f"Muon_{key}"][i] for key in keys}
            distances = [
                math.hypot(muon["eta"] - eta, (muon["phi"] - phi + math.pi) % (2 * math.pi) - math.pi)
                for eta, phi, code in zip(event["TrigObj_eta"], event["TrigObj_phi"], event["TrigObj_id"], strict=True)
                if code == 13
            ]
            muon["fired"] = any(distance < 0.1 for distance in distances)
            inside = muon["pt"] > 24 and abs(muon["eta"]) < 2.4 and muon["looseId"]
            muon["isolated"] = inside and muon["pfRelIso04_all"] < 0.15
            muon["identified"] = muon["isolated"] and muon["tightId"]
            muons.append(muon)
        for tag in muons:
            for probe in muons:
                if not (tag["identified"] and tag["fired"] and tag["pt"] > 29 and tag["charge"] * probe["charge"] < 0):
                    continue
                if probe["isolated" if measure == "id" else "identified"]:
                    passing = probe["tightId" if measure == "id" else "fired"]
                    found.append((bool(passing), probe["pt"], abs(probe["eta"])))
    return found


@pytest.mark.parametrize(
    ("config", "variable", "edges"),
    [("tnp", "tnp_mass", (ID_PT, ABSETA)), ("trigger_eff", "trigger_probes", (TRIGGER_PT, TRIGGER_ABSETA))],
)
def test_probes_agree_with_an_event_loop(
    data: Path, config: str, variable: str, edges: tuple[tuple[float, ...], tuple[float, ...]]
) -> None:
    cfg = load_analysis("zmumu").config(config)
    (dataset,) = (name for name, definition in cfg.definitions.items() if definition.sample == "DATA_SingleMuon")
    branch = Branch(dataset, 0, 4000, (Segment(str(data / "data.root"), str(uuid_of("data")), "Events", 0, 4000),))
    metadata = cfg.definitions[dataset].metadata()
    output = run_branch(cfg.plan(), branch, metadata, Resources(toys=str(data)), chunk_size=1500).output
    ((filled,),) = (of_sample.values() for of_sample in output["variables"][variable].values())
    found = filled[{"cat": "pairs"}].project("passing", "pt", "abseta").values()
    expected = np.zeros_like(found)
    probes = pairs_of(data / "data.root", "id" if config == "tnp" else "trigger")
    for passing, pt, abseta in probes:
        bins = [
            int(np.searchsorted(axis, value, side="right")) - 1 for axis, value in zip(edges, (pt, abseta), strict=True)
        ]
        if 0 <= bins[0] < len(edges[0]) - 1 and bins[1] < len(edges[1]) - 1:
            expected[(int(passing), *bins)] += 1
    assert found.tolist() == expected.tolist()
    assert expected[0].sum() > 20
    assert expected[1].sum() > 200
