from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from analysis.zee.config import ABSETA, DATA, DY, ETA, PT, W
from pocket.base.fingerprint import digest
from pocket.configuration.analysis import Analysis
from pocket.configuration.loading import load_analysis
from pocket.datasets.branches import Branch, Segment
from pocket.engine.resources import Resources
from pocket.engine.run import run_branch
from pocket.toys.config import ToyConfig
from pocket.toys.generator import generate
from pocket.toys.nanoaod import write_nanoaod
from pocket.toys.resources import write_golden_json, write_pileup_weights
from tests.analysis.toy_files import passes_skim, uuid_of

CONFIGS = ("energy", "energy_closure", "tnp", "tnp_closure", "all_probes", "nominal", "calibrated")
PROBES = ("tnp", "tnp_closure", "all_probes")
DIELECTRONS = tuple(name for name in CONFIGS if name not in PROBES)
#: process of the toys → sample, and events in its file
FILES = {"dyee": (DY, 3000), "egamma": (DATA, 4000), "wenu": (W, 3000)}


@pytest.fixture(scope="module")
def zee() -> Analysis:
    return load_analysis("zee")


@pytest.fixture(scope="module")
def files(zee: Analysis, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("electrons")
    toy_config = ToyConfig.from_params(zee.config("tnp").parameters.toys)
    for process, (_, events) in FILES.items():
        content = generate(process, events, toy_config, part=0)
        write_nanoaod(folder / f"{process}.root", content, file_uuid=uuid_of(process))
    write_pileup_weights(folder / "puWeights.json.gz", toy_config)
    write_golden_json(folder / "golden.json", toy_config)
    return folder


def run(zee: Analysis, config: str, files: Path, process: str) -> dict[str, Any]:
    cfg, (sample, events) = zee.config(config), FILES[process]
    (dataset,) = (name for name, definition in cfg.definitions.items() if definition.sample == sample)
    segment = Segment(str(files / f"{process}.root"), str(uuid_of(process)), "Events", 0, events)
    branch = Branch(dataset, 0, events, (segment,))
    metadata = cfg.definitions[dataset].metadata()
    # Energies are those of the file, as other tests compare calibrated ones.
    resources = Resources(toys=str(files), scale_factors=dict.fromkeys(cfg.scale_factors))
    return run_branch(cfg.plan(), branch, metadata, resources, chunk_size=1500).output


def test_configurations(zee: Analysis) -> None:
    assert tuple(zee.configs) == CONFIGS
    assert zee.default_config == "calibrated"
    assert {name: set(zee.config(name).scale_factors) for name in CONFIGS} == {
        "energy": set(),
        "energy_closure": {"electron_energy"},
        "tnp": {"electron_energy"},
        "tnp_closure": {"electron_energy", "electron_id"},
        "all_probes": {"electron_energy"},
        "nominal": set(),
        "calibrated": {"electron_energy", "electron_id"},
    }
    assert zee.upstream_scale_factors("calibrated") == ("electron_energy", "electron_id")
    samples = {name: {each.sample for each in zee.config(name).definitions.values()} for name in CONFIGS}
    assert samples["tnp"] == samples["tnp_closure"] == {DATA, DY, "DYJetsToEE_LO"}
    assert samples["all_probes"] == {DY}
    assert all(samples[name] == {DATA, DY, W} for name in DIELECTRONS)


def electrons_of(path: Path) -> list[tuple[list[dict[str, Any]], list[dict[str, Any]]]]:
    """Return electrons and trigger objects of the events that pass the skim, read without any of the package's code."""
    with uproot.open(path) as file:
        events = file["Events"].arrays()
    selected = []
    for event in events:
        if not passes_skim(event, "Electron", "HLT_Ele32_WPTight_Gsf"):
            continue
        fields = [name for name in events.fields if name.startswith("Electron_")]
        electrons = [
            {name.removeprefix("Electron_"): event[name][i] for name in fields}
            for i in range(len(event["Electron_pt"]))
        ]
        fired = [
            {"eta": eta, "phi": phi}
            for eta, phi, code in zip(event["TrigObj_eta"], event["TrigObj_phi"], event["TrigObj_id"], strict=True)
            if code == 11
        ]
        selected.append((electrons, fired))
    return selected


def is_probe(electron: dict[str, Any]) -> bool:
    eta = abs(electron["eta"] + electron["deltaEtaSC"])
    transition = 1.4442 <= eta <= 1.566
    prompt = electron.get("genPartFlav", 1) == 1
    return electron["pt"] > 20 and abs(electron["eta"]) < 2.5 and not transition and prompt


def is_tag(electron: dict[str, Any], fired: list[dict[str, Any]]) -> bool:
    def distance(other: dict[str, Any]) -> float:
        phi = abs(electron["phi"] - other["phi"])
        return math.hypot(electron["eta"] - other["eta"], min(phi, 2 * math.pi - phi))

    matched = any(distance(other) < 0.1 for other in fired)
    return is_probe(electron) and electron["mvaFall17V2Iso_WP90"] and matched and electron["pt"] > 36


def mass(first: dict[str, Any], second: dict[str, Any]) -> float:
    angle = math.cosh(first["eta"] - second["eta"]) - math.cos(first["phi"] - second["phi"])
    return math.sqrt(2 * first["pt"] * second["pt"] * angle)


@pytest.mark.parametrize("process", ["egamma", pytest.param("dyee", marks=pytest.mark.slow)])
def test_pairs_agree_with_an_event_loop(zee: Analysis, files: Path, process: str) -> None:
    expected: dict[tuple[str, int, int, int], int] = {}
    probes = 0
    for electrons, fired in electrons_of(files / f"{process}.root"):
        for tag in electrons:
            for probe in electrons:
                if not (is_tag(tag, fired) and is_probe(probe) and tag["charge"] * probe["charge"] < 0):
                    continue
                pt = np.searchsorted(PT, probe["pt"], side="right") - 1
                eta = np.searchsorted(ETA, probe["eta"] + probe["deltaEtaSC"], side="right") - 1
                for category, threshold in (("pairs", 36), ("tight_tag", 40)):
                    inside = 60 <= mass(tag, probe) < 120 and probe["pt"] < 100 and 0 <= eta < len(ETA) - 1
                    if tag["pt"] > threshold and inside:
                        key = (category, int(probe["mvaFall17V2Iso_WP90"]), int(pt), int(eta))
                        expected[key] = expected.get(key, 0) + 1
                        probes += 1
    assert probes > 400
    (by_dataset,) = run(zee, "tnp", files, process)["variables"]["tnp_mass"].values()
    (filled,) = by_dataset.values()
    for category in ("pairs", "tight_tag"):
        where: dict[str, Any] = {"cat": category}
        if process == "dyee":
            where["variation"] = "nominal"
        # Masses outside of the axis don't count.
        found = filled[where | {"mass": slice(0, 60, sum)}]
        counts = np.zeros((2, len(PT) - 1, len(ETA) - 1))
        for (name, *bins), count in expected.items():
            if name == category:
                counts[tuple(bins)] = count
        if process == "egamma":
            assert found.values().tolist() == counts.tolist()
        else:
            # Entries of simulation have weights, which other tests compare.
            assert ((found.variances() > 0) == (counts > 0)).all()


@pytest.mark.slow
def test_spectra_have_two_identified_electrons(zee: Analysis, files: Path) -> None:
    expected = 0
    for electrons, _ in electrons_of(files / "egamma.root"):
        good = [each for each in electrons if is_probe(each) and each["mvaFall17V2Iso_WP90"]]
        good = sorted(good, key=lambda each: -each["pt"])[:2]
        if len(good) == 2 and good[0]["charge"] != good[1]["charge"] and good[0]["pt"] > 36:
            expected += 60 < mass(*good) < 120
    (by_dataset,) = run(zee, "nominal", files, "egamma")["variables"]["mee"].values()
    (filled,) = by_dataset.values()
    assert filled[{"cat": "baseline"}].values().sum() == expected > 200


def test_masses_by_eta_agree_with_an_event_loop(zee: Analysis, files: Path) -> None:
    expected = np.zeros((len(ABSETA) - 1, len(ABSETA) - 1))
    for electrons, _ in electrons_of(files / "egamma.root"):
        good = [each for each in electrons if is_probe(each) and each["mvaFall17V2Iso_WP90"]]
        good = sorted(good, key=lambda each: -each["pt"])[:2]
        if len(good) < 2 or good[0]["charge"] == good[1]["charge"] or good[0]["pt"] <= 36:
            continue
        of_pair = mass(*good)
        shares = [each["pt"] / of_pair for each in good]
        if 70 <= of_pair < 110 and shares[0] > 0.45 and shares[1] > 0.25:
            bins = [np.searchsorted(ABSETA, abs(each["eta"]), side="right") - 1 for each in good]
            expected[tuple(bins)] += 1
    (by_dataset,) = run(zee, "energy", files, "egamma")["variables"]["mass_by_eta"].values()
    (filled,) = by_dataset.values()
    assert filled[{"cat": "baseline", "mass": slice(0, 100, sum)}].values().tolist() == expected.tolist()
    assert expected.sum() > 100


def test_simulated_templates_have_no_background(zee: Analysis, files: Path) -> None:
    """All probes are prompt: the efficiency is the one that was generated, within its error."""
    (by_dataset,) = run(zee, "tnp", files, "dyee")["variables"]["tnp_mass"].values()
    (filled,) = by_dataset.values()
    fails, passes = filled[{"cat": "pairs", "variation": "nominal"}].project("passing").values()
    with uproot.open(files / "dyee.root") as file:
        electrons = ak.flatten(file["Events"].arrays(["Electron_pt", "Electron_genPartFlav"]).Electron_genPartFlav)
    assert ak.sum(electrons != 1) > 20
    assert passes / (passes + fails) == pytest.approx(0.85, abs=0.05)


@pytest.mark.parametrize(
    ("override", "changed"),
    [
        ("dielectron.mass_low=61", DIELECTRONS),
        ("tag_and_probe.tag_pt=40", PROBES),
        ("object_preselection.Electron.pt=25", CONFIGS),
        ("object_preselection.Photon.pt=25", ()),
        ("toys.electrons.fake_electrons=0.1", ()),
    ],
)
def test_a_parameter_changes_what_reads_it(zee: Analysis, override: str, changed: tuple[str, ...]) -> None:
    after = load_analysis("zee", (override,))
    specs = [{name: digest(config.plan().spec()) for name, config in a.configs.items()} for a in (zee, after)]
    assert {name for name in CONFIGS if specs[0][name] != specs[1][name]} == set(changed)
