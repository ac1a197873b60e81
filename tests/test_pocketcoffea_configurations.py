"""Configurations as PocketCoffea's users write them run here untouched, with other imports, and as written packages.

The folder tests/pocketcoffea holds four, with PocketCoffea's import lines; a plain loop gives the same numbers.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import awkward as ak
import pytest

from pocket.compat.package import load_noting_files, write_package
from pocket.configuration.configurator import Configurator
from pocket.configuration.loading import forget_analyses, load_analysis
from pocket.datasets.branches import Branch, Segment
from pocket.datasets.build import build_fileset
from pocket.engine.resources import Resources
from pocket.engine.run import run_branch
from pocket.toys.config import ToyConfig
from pocket.toys.generator import generate
from pocket.toys.nanoaod import write_nanoaod
from tests.analysis import lepton_jets
from tests.oracle import Histogram, objects, single

CONFIGURATIONS = Path(__file__).parent / "pocketcoffea"
PAGE = Path(__file__).parents[1] / "docs" / "reference" / "pocketcoffea.md"
#: Event flags of 2018 that PocketCoffea's defaults don't have.
NOT_THEIRS = {"Flag_BadPFMuonDzFilter", "Flag_ecalBadCalibFilter", "Flag_eeBadScFilter"}
SAMPLE, DATASET, EVENTS = "TTToSemiLeptonic", "TTToSemiLeptonic_2018", 1200
MODULES = ("common", "workflow", "cartesian", "subsamples", "custom_weights", "columns")


def imports() -> dict[str, str]:
    """Return module of PocketCoffea → module here, from the table of the documentation."""
    rows = re.findall(r"^\| `(pocket_coffea[\w.]*)` \| `(pocket[\w.]*)` \|", PAGE.read_text(), flags=re.MULTILINE)
    assert len(rows) == len(dict(rows)) > 10
    return dict(rows)


def moved_over(text: str) -> str:
    """Return the text of a module with its import lines changed."""
    table = imports()
    return re.sub(r"^from (pocket_coffea[\w.]*) import", lambda line: f"from {table[line[1]]} import", text, flags=re.M)


@dataclass(frozen=True)
class Event:
    """An event after the skim."""

    jets: list[dict[str, Any]]
    bjets: list[dict[str, Any]]
    electrons: int
    muons: int
    weight: float

    @property
    def subsample(self) -> str:
        return {(True, False): "ele", (False, True): "mu"}.get((self.electrons > 0, self.muons > 0), "")


@pytest.fixture(scope="module")
def toy_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("toys") / "ttsemi.root"
    toy_config = ToyConfig.from_params(load_analysis("ttbar").config("small").parameters.toys)
    write_nanoaod(path, generate("ttsemi", EVENTS, toy_config, part=0), file_uuid=uuid.uuid5(uuid.NAMESPACE_OID, "tt"))
    return path


@pytest.fixture(scope="module", params=["untouched", "moved over", pytest.param("migrated", marks=pytest.mark.slow)])
def form(request: pytest.FixtureRequest) -> str:
    """How the configurations import: PocketCoffea's names, ours, or what ``Migrate`` makes of them."""
    return str(request.param)


@pytest.fixture(scope="module")
def events(toy_file: Path, form: str) -> list[Event]:
    return list(loop(toy_file, set() if form == "moved over" else NOT_THEIRS))


def loop(path: Path, left_out: set[str]) -> Iterator[Event]:
    """Yield the events that pass the skim without some event flags."""
    for event in lepton_jets._events(path, True):
        flags = all(value for name, value in event.items() if name.startswith("Flag_") and name not in left_out)
        if not (flags and event["PV_npvsGood"] >= 1 and (event["HLT_IsoMu24"] or event["HLT_Ele32_WPTight_Gsf"])):
            continue
        muons = [muon for muon in objects(event, "Muon") if lepton_jets._good_muon(muon)]
        electrons = [electron for electron in objects(event, "Electron") if lepton_jets._good_electron(electron)]
        jets = [jet for jet in objects(event, "Jet") if lepton_jets._good_jet(jet, [*muons, *electrons])]
        bjets = [jet for jet in jets if jet["btagDeepFlavB"] > single(lepton_jets.BTAG_MEDIUM)]
        yield Event(jets, bjets, len(electrons), len(muons), event["genWeight"])


@pytest.fixture
def configuration(
    tmp_path: Path, toy_file: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> Iterator[Callable[[str], Configurator]]:
    """Return what loads a configuration from a folder like those of PocketCoffea, started there."""
    untouched = form != "moved over"
    (tmp_path / "params").mkdir()
    for path in CONFIGURATIONS.rglob("*.*"):
        if path.suffix in (".py", ".yaml"):
            text = path.read_text()
            (tmp_path / path.relative_to(CONFIGURATIONS)).write_text(text if untouched else moved_over(text))
    built = {
        "year": "2018",
        "isMC": "True",
        "part": "",
        "nevents": "1",
        "size": "2",
        "das_names": "['/TT/x/NANOAODSIM']",
    }
    fileset = {
        DATASET: {"metadata": {"sample": SAMPLE, **built, "xsec": "366.2852"}, "files": [str(toy_file)]},
        "TTTo2L2Nu_2018": {
            "metadata": {"sample": "TTTo2L2Nu", **built, "xsec": "88.29", "nano_version": "9"},
            "files": ["root://xrootd.example.org//store/tt.root"],
        },
        "DATA_SingleMuon_2018_EraA": {
            "metadata": {
                "sample": "DATA_SingleMuon",
                "year": "2018",
                "isMC": "False",
                "era": "A",
                "primaryDataset": "SingleMuon",
                "nevents": "1",
                "size": "2",
            },
            "files": ["root://xrootd.example.org//store/data.root"],
        },
    }
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "datasets.json").write_text(json.dumps(fileset))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    modules: dict[str, ModuleType] = {name: sys.modules.pop(name) for name in MODULES if name in sys.modules}

    def load(name: str) -> Configurator:
        if form == "migrated":
            path = tmp_path / f"{name}.py"
            written = write_package(path, *load_noting_files(path), tmp_path / "packages" / f"my_{name}")
            forget_analyses()
            return load_analysis(str(written.folder)).config(name)
        if untouched:
            return load_analysis(f"{name}.py").config(name)
        cfg: Configurator = importlib.import_module(name).cfg
        return cfg

    yield load
    for name in MODULES:
        sys.modules.pop(name, None)
    sys.modules.update(modules)


def run(cfg: Configurator, tmp_path: Path) -> dict[str, Any]:
    """Return the raw output of the one dataset that the filter leaves."""
    assert list(cfg.definitions) == [DATASET]
    fileset = build_fileset(cfg.definitions, toy_files={}, cache=tmp_path).fileset
    metadata = fileset[DATASET]["metadata"]
    assert (metadata["xsec"], metadata["nevents"]) == (366.2852, EVENTS)
    ((path, info),) = fileset[DATASET]["files"].items()
    segment = Segment(path, info["uuid"], info["object_path"], 0, EVENTS)
    return run_branch(cfg.plan(), Branch(DATASET, 0, EVENTS, (segment,)), metadata, Resources(), chunk_size=500).output


def check(
    output: dict[str, Any], stored: str, variation: str, category: str, weights: list[tuple[Event, float]]
) -> None:
    """Compare the number of jets, and the sum of weights if it is the nominal, with those of selected events."""
    expected = Histogram(10, 0.0, 10.0)
    for event, weight in weights:
        expected.fill(len(event.jets), weight)
    where = {"cat": category, "variation": variation}
    view = output["variables"]["nJetGood"][stored][DATASET][where].view(flow=True)
    assert view["value"].tolist() == pytest.approx(expected.sumw, rel=1e-9, abs=1e-9), where
    assert view["variance"].tolist() == pytest.approx(expected.sumw2, rel=1e-9, abs=1e-9), where
    if variation == "nominal":
        assert output["cutflow"][category][DATASET][stored][variation] == len(weights) > 0
        assert output["sumw"][category][DATASET][stored][variation] == pytest.approx(sum(expected.sumw), rel=1e-9)


def test_every_module_of_the_table_is_there() -> None:
    for module in imports().values():
        importlib.import_module(module)


def test_cartesian_categories(
    configuration: Callable[[str], Configurator], events: list[Event], tmp_path: Path
) -> None:
    output = run(configuration("cartesian"), tmp_path)
    assert output["cutflow"]["initial"][DATASET] == EVENTS
    assert output["cutflow"]["skim"][DATASET] == len(events)
    categories = {
        f"{jets}j_{tags}b": [e for e in events if min(len(e.jets), 6) == jets and min(len(e.bjets), 2) == tags]
        for jets in (4, 5, 6)
        for tags in (0, 1, 2)
    }
    categories["inclusive"] = events
    categories["4jets_40pt"] = [e for e in events if sum(jet["pt"] >= 40 for jet in e.jets) >= 4]
    histograms = output["variables"]
    assert set(histograms["nJetGood"][SAMPLE][DATASET].axes["cat"]) == set(categories)
    for category, selected in categories.items():
        for variation, varied in (("nominal", None), ("sf_tagsUp", 2.0), ("sf_tagsDown", 0.5)):
            weights = []
            for event in selected:
                factor = varied if varied is not None else 1 + 0.1 * len(event.bjets)
                weights.append((event, event.weight * (factor if category == "4j_2b" else 1)))
            check(output, SAMPLE, variation, category, weights)
        pt, tags = Histogram(10, 0.0, 200.0), Histogram(5, 0.0, 5.0)
        if category != "4j_2b":
            for event in selected:
                tags.fill(len(event.bjets), event.weight)
                for jet in event.jets:
                    pt.fill(jet["pt"], event.weight)
            for name, filled in (("JetGood_pt", pt), ("nBJetGood", tags)):
                view = histograms[name][SAMPLE][DATASET][category, "nominal", :].view(flow=True)
                assert view["value"].tolist() == pytest.approx(filled.sumw, rel=1e-9, abs=1e-9), name


def test_subsamples(configuration: Callable[[str], Configurator], events: list[Event], tmp_path: Path) -> None:
    output = run(configuration("subsamples"), tmp_path)
    stored = {f"{SAMPLE}__{name}": name for name in ("ele", "mu")}
    assert set(output["variables"]["nJetGood"]) == set(stored)
    first, second = {"Up": 4.0, "Down": 0.5}, {"Up": 5.0, "Down": 0.7}
    for sample, name in stored.items():
        for category in ("baseline", "1btag", "1btag_B"):
            selected = [e for e in events if e.subsample == name and (category == "baseline" or e.bjets)]
            b = 3.0 if category == "1btag_B" else 1.0
            factors = {"nominal": 2.0 * b}
            factors |= {f"sf_custom_A{side}": value * b for side, value in first.items()}
            factors |= {f"sf_custom_B{side}": 2.0 * (value if b > 1 else 1) for side, value in second.items()}
            for variation, factor in factors.items() if name == "ele" else [("nominal", 1.0)]:
                check(output, sample, variation, category, [(event, event.weight * factor) for event in selected])


def test_custom_weights(configuration: Callable[[str], Configurator], events: list[Event], tmp_path: Path) -> None:
    output = run(configuration("custom_weights"), tmp_path)
    theory = {"theory_lowUp": 1.5, "theory_lowDown": 0.5, "theory_highUp": 2.0, "theory_highDown": 0.0}
    sources = {"statUp": 3.0, "statDown": 0.5, "systUp": 4.0, "systDown": 0.25}
    multi = {f"my_custom_weight_multivar_{name}": value for name, value in sources.items()}
    axis = output["variables"]["nJetGood"][SAMPLE][DATASET].axes["variation"]
    assert set(axis) == {"nominal", *theory, *multi}
    for category, custom in (("baseline", 1.0), ("2jets", 1.0), ("2jets_B", 2.0), ("2jets_D", 2.0)):
        selected = [event for event in events if category == "baseline" or len(event.jets) >= 2]
        for variation in axis:
            factor = multi.get(variation, custom) if category == "2jets_D" else custom
            factor *= theory.get(variation, 1.0)
            weights = [(event, event.weight * (1 + 0.01 * len(event.jets)) * factor) for event in selected]
            check(output, SAMPLE, variation, category, weights)


def test_columns(configuration: Callable[[str], Configurator], events: list[Event], tmp_path: Path) -> None:
    columns = run(configuration("columns"), tmp_path)["columns"]
    for name in ("ele", "mu"):
        by_category = columns[f"{SAMPLE}__{name}"][DATASET]
        tagged = [event for event in events if event.subsample == name and len(event.bjets) >= 2]
        four = [event for event in events if event.subsample == name and len(event.jets) >= 4]
        for category, selected in (("2btag", tagged), ("4jets", four)):
            records = ak.concatenate(by_category[category]["nominal"])
            assert len(records) == len(selected) > 0
            assert records.weight.tolist() == pytest.approx([event.weight for event in selected])
            for field in ("pt", "eta"):
                jets = [[jet[field] for jet in event.jets] for event in selected]
                assert records[f"JetGood_{field}"].tolist() == jets
            assert ("JetGood_phi" in records.fields) == (category == "4jets")
            assert ("BJetGood_N" in records.fields) == (category == "2btag")
        tags = ak.concatenate(by_category["2btag"]["nominal"])
        assert tags.BJetGood_phi.tolist() == [[jet["phi"] for jet in event.bjets] for event in tagged]
