from __future__ import annotations

import csv
import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import correctionlib.schemav2 as cs
import pytest
import uproot

from pocket.errors import ConfigError
from pocket.histograms.files import read_templates
from tasks.chain.comparing import CompareCorrections
from tasks.chain.merging import MergeOutputs
from tests.group_files import ROOT
from tests.tasks.in_process import run_here
from tests.tasks.small_chain import Chain

#: corrections of the physics object groups, beside the checkout
FILE = "POG/MUO/2018_UL/muon_Z.json.gz"
CURRENT = "MUO/Run2-2018-UL-NanoAODv9"
NAME, OTHER = "NUM_TightID_DEN_TrackerMuons", "NUM_LooseID_DEN_TrackerMuons"
ETA, PT = [0.0, 0.9, 1.2, 2.4], [15.0, 20.0, 40.0, 60.0, 200.0]
#: templates that are drawn, the largest change first
DRAWN = ((0, "muon_pt"), (1, "npvs"))
KEYS = ("nominal", "systup", "systdown")
#: the bin of eta and pt that differs, counted from 0, and by how much
CHANGED, FACTOR = (1, 2), 1.25
WEIGHT = """

class MuonWeight(WeightWrapper):
    \"\"\"Weight of the leading muon.\"\"\"

    name = "sf_leading"
    has_variations = True

    def corrections(self):
        return [(str(self.params.my_muon_sf.file), "NUM_TightID_DEN_TrackerMuons")]

    def compute(self, events, size, shape_variation):
        ((file, name),) = self.corrections()
        muons = {"eta": np.asarray(events.MuonGood.eta[:, 0]), "pt": np.asarray(events.MuonGood.pt[:, 0])}
        return tuple(
            evaluate(file, name, {**muons, "scalefactors": key}) for key in ("nominal", "systup", "systdown")
        )


"""


def value(key: str, eta: int, pt: int) -> float:
    return 0.9 + 0.01 * (4 * eta + pt) + {"nominal": 0.0, "systup": 0.02, "systdown": -0.03}[key]


def correction(name: str, factor: float = 1.0) -> cs.Correction:
    """Return a scale factor in the form of those of muons, with a factor in one bin."""

    def of(eta: int, pt: int) -> cs.Category:
        scale = factor if (eta, pt) == CHANGED else 1.0
        content = [{"key": key, "value": scale * value(key, eta, pt)} for key in KEYS]
        return cs.Category.model_validate({"nodetype": "category", "input": "scale_factors", "content": content})

    rows = [
        {
            "nodetype": "binning",
            "input": "pt",
            "edges": PT,
            "flow": "clamp",
            "content": [of(eta, pt) for pt in range(4)],
        }
        for eta in range(3)
    ]
    tree = {
        "nodetype": "transform",
        "input": "eta",
        "rule": {"nodetype": "formula", "expression": "abs(x)", "parser": "TFormula", "variables": ["eta"]},
        "content": {"nodetype": "binning", "input": "eta", "edges": ETA, "flow": "clamp", "content": rows},
    }
    inputs = [
        cs.Variable(name="eta", type="real"),
        cs.Variable(name="pt", type="real"),
        cs.Variable(name="scale_factors", type="string"),
    ]
    return cs.Correction.model_validate(
        {"name": name, "version": 1, "inputs": inputs, "output": {"name": "weight", "type": "real"}, "data": tree}
    )


def write(path: Path, *corrections: cs.Correction) -> None:
    path.parent.mkdir(parents=True)
    content = cs.CorrectionSet(schema_version=2, corrections=list(corrections)).model_dump_json(exclude_unset=True)
    path.write_bytes(gzip.compress(content.encode()))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small analysis with a weight of the leading muon, and two roots of corrections in either layout."""
    folder = tmp_path_factory.mktemp("comparing")
    chain = Chain.make(folder)
    chain.edit(
        "__init__.py",
        "def configure(",
        f"{WEIGHT.strip()}\n\n\ndef configure(",
    )
    chain.edit("__init__.py", "import awkward as ak\n", "import awkward as ak\nimport numpy as np\n")
    chain.edit("__init__.py", "from .cuts", "from pocket.corrections import evaluate\n\nfrom .cuts")
    chain.edit("__init__.py", '"main": configure(spectra,', '"main": configure(spectra, MuonWeight,')
    with (chain.analysis / "parameters.yaml").open("a") as file:
        file.write(f"my_muon_sf:\n  file: corrections://{FILE}\n")
    same, different = (correction(OTHER), correction(NAME)), (correction(NAME, FACTOR), correction("NEW"))
    write(folder / "old" / FILE, *same)
    write(folder / "new" / FILE, *different)
    write(folder / "current" / CURRENT / "2025-09-23" / Path(FILE).name, *same)
    write(folder / "current" / CURRENT / "latest" / Path(FILE).name, *different)
    return folder


@pytest.fixture
def small(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Chain:
    """The analysis, whose corrections are in the older layout."""
    monkeypatch.setenv("POCKET_STORE", str(folder / "store"))
    monkeypatch.setenv("POCKET_CORRECTIONS", str(folder / "old"))
    return Chain(folder)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def expected_yield(chain: Chain, scale_factor: Callable[[float, float], float]) -> float:
    """Return the yield of simulation from a plain loop over events, for a function of |eta| and pt."""
    config = chain.task(MergeOutputs, config="main").config_inst
    params = config.parameters
    selection, threshold = params.object_preselection.Muon.pt, params.leading_muon.pt
    total = everything = 0.0
    columns = ["genWeight", "PV_npvsGood", "Muon_pt", "Muon_eta", "Muon_looseId"]
    for path in (chain.store / "shared" / "MakeToySamples").rglob("dy_*/events.root"):
        for event in uproot.open(path)["Events"].arrays(columns).tolist():
            everything += event["genWeight"]
            muons = zip(event["Muon_pt"], event["Muon_eta"], event["Muon_looseId"], strict=True)
            good = [(pt, eta) for pt, eta, is_loose in muons if is_loose and pt > selection]
            if event["PV_npvsGood"] < 1 or not good or not good[0][0] > threshold:
                continue
            pt, eta = good[0]
            total += event["genWeight"] * scale_factor(abs(eta), pt)
    fileset = next((chain.store / "small" / "BuildDatasets").rglob("fileset.json"))
    (xsec,) = (one["metadata"]["xsec"] for one in json.loads(fileset.read_text()).values() if one["metadata"]["isMC"])
    return float(total * xsec * params.lumi.picobarns.toys.tot / everything)


def written(factor: float) -> Callable[[float, float], float]:
    """Return the scale factor of the files here."""

    def of(eta: float, pt: float) -> float:
        place = bin_of(eta, ETA), bin_of(pt, PT)
        return (factor if place == CHANGED else 1.0) * value("nominal", *place)

    return of


def bin_of(number: float, edges: list[float]) -> int:
    return min(max(sum(number >= edge for edge in edges) - 1, 0), len(edges) - 2)


@pytest.mark.parametrize(("blinded", "shown"), [("probes_pt", ["MC"]), ("npvs", ["data", "MC"])])
def test_data_with_a_blinded_projection_are_left_out(
    small: Chain, folder: Path, monkeypatch: pytest.MonkeyPatch, blinded: str, shown: list[str]
) -> None:
    before = "  dpi: 50\n"
    after = f"{before}  blind_hists: {{categories: [baseline], histograms: {{{blinded}: [10, 40]}}}}\n"
    small.edit("parameters.yaml", before, after)
    samples = {"data": "DATA_SingleMuon", "MC": "DYJetsToMuMu"}
    found = [SimpleNamespace(sample=name, category="baseline", variable="probes") for name in samples.values()]
    monkeypatch.setattr("pocket.histograms.comparison.compare_templates", lambda left, right: found)
    sides = {"left": (str(folder / "old"),), "right": (str(folder / "new"),)}
    try:
        task = small.task(CompareCorrections, config="probes", **sides)
        there = {side: SimpleNamespace(directory=folder) for side in ("left", "right")}
        monkeypatch.setattr(type(task), "requires", lambda self: there)
        assert [one.sample for one in task.compared_templates()] == [samples[name] for name in shown]
    finally:
        small.edit("parameters.yaml", after, before)


@pytest.mark.slow
def test_one_bin_of_a_new_version(small: Chain, folder: Path) -> None:
    roots = folder / "old", folder / "new"
    options = ("--config", "main", "--left", str(roots[0]), "--right", str(roots[1]))
    run = run_here(small, "CompareCorrections", *options)
    assert run.code == 0, run.text
    assert run.executed.count("MakeToySamples") == run.executed.count("BuildDatasets") == 1
    assert run.executed.count("MergeOutputs") == 2
    # each side has templates in a version of its own
    assert {path.parent.name for path in small.outputs("MergeOutputs")} == {"v1.old", "v1.new"}
    output = small.output("CompareCorrections", "main")
    (correction_row,) = rows_of(output / "corrections.csv")
    assert correction_row["outcome"] == "different"
    assert (correction_row["bins"], correction_row["differing"]) == ("36", "3")
    bins = rows_of(output / "correction_bins.csv")
    place = "|eta| 0.9 to 1.2, pt 40 to 60, scale_factors"
    assert [row["bin"] for row in bins] == [f"{place} {key}" for key in KEYS]
    for row, key in zip(bins, KEYS, strict=True):
        assert float(row["left"]) == value(key, *CHANGED)
        assert float(row["right"]) == FACTOR * value(key, *CHANGED)
        assert float(row["ratio"]) == pytest.approx(FACTOR, rel=1e-14)
    names = {(row["correction"], row["outcome"]) for row in rows_of(output / "names.csv")}
    assert names == {(OTHER, "only left"), ("NEW", "only right")}
    assert f"{place} nominal" in run.text

    rows = {(row["sample"], row["variable"]): row for row in rows_of(output / "templates.csv")}
    yields = expected_yield(small, written(1.0)), expected_yield(small, written(FACTOR))
    row = rows["DYJetsToMuMu", "npvs"]
    assert yields[1] > yields[0]
    assert (float(row["left"]), float(row["right"])) == pytest.approx(yields, rel=1e-6)
    assert float(row["difference"]) == pytest.approx(yields[1] - yields[0], rel=1e-5)
    # data have no scale factor
    assert rows["DATA_SingleMuon", "npvs"]["change"] == "0.0"
    changed = {row["bin"] for row in rows_of(output / "template_bins.csv") if row["variable"] == "npvs"}
    folders = {path.parent.name: path for path in small.outputs("MergeOutputs")}
    sides = [read_templates(folders[name], "npvs")["DYJetsToMuMu"][:, "nominal", :] for name in ("v1.old", "v1.new")]
    differing = int((sides[0].values(flow=True) != sides[1].values(flow=True)).sum())
    assert len(changed) == differing > 5
    assert {row["variation"] for row in rows_of(output / "variations.csv")} == {"sf_leadingUp", "sf_leadingDown"}
    content = json.loads((output / "changes.json").read_text())
    assert content["correction_bins"][0]["inputs"] == {
        "|eta|": "0.9 to 1.2",
        "pt": "40 to 60",
        "scale_factors": "nominal",
    }
    assert [row["left"] for row in content["correction_bins"]] == [value(key, *CHANGED) for key in KEYS]
    plots = {path.name for path in (output / "plots").iterdir()}
    stems = [f"correction_00_{NAME}", *(f"template_{i:02d}_DYJetsToMuMu_baseline_{name}" for i, name in DRAWN)]
    assert plots == {f"{stem}.{form}" for stem in stems for form in ("png", "json")}
    # nothing runs again, until a file has another content, or more of it is to be shown
    sides_of = {"left": (str(roots[0]),), "right": (str(roots[1]),)}
    assert small.build(CompareCorrections, config="main", **sides_of) == []
    assert len(small.build(CompareCorrections, config="main", largest=3, **sides_of)) == 1


@pytest.mark.slow
def test_one_bin_of_a_real_file(small: Chain, folder: Path) -> None:
    if not (ROOT / FILE).exists():
        pytest.skip("the groups' files aren't beside the checkout")
    content = json.loads(gzip.decompress((ROOT / FILE).read_bytes()))
    (changed,) = (one for one in content["corrections"] if one["name"] == NAME)
    eta = changed["data"]["content"]
    pt = eta["content"][0]
    (nominal,) = (item for item in pt["content"][4]["content"] if item["key"] == "nominal")
    before = nominal["value"]
    nominal["value"] = before * 1.1
    roots = folder / "real", folder / "changed"
    for root in roots:
        (root / FILE).parent.mkdir(parents=True)
    shutil.copy(ROOT / FILE, roots[0] / FILE)
    (roots[1] / FILE).write_bytes(gzip.compress(json.dumps(content).encode()))
    options = ("--config", "main", "--left", str(roots[0]), "--right", str(roots[1]))
    run = run_here(small, "CompareCorrections", *options)
    assert run.code == 0, run.text
    sides = {"left": (str(roots[0]),), "right": (str(roots[1]),)}
    output = small.task(CompareCorrections, config="main", **sides).directory
    (row,) = rows_of(output / "correction_bins.csv")
    edges = [(axis["edges"][number], axis["edges"][number + 1]) for axis, number in ((eta, 0), (pt, 4))]
    texts = [f"{low:g} to {high:g}" for low, high in edges]
    assert row["bin"] == f"|eta| {texts[0]}, pt {texts[1]}, scale_factors nominal"
    assert (float(row["left"]), float(row["right"])) == (before, before * 1.1)

    def moved(*muon: float) -> float:
        inside = all(low <= number < high for (low, high), number in zip(edges, muon, strict=True))
        return 0.1 * before if inside else 0.0

    rows = {(row["sample"], row["variable"]): row for row in rows_of(output / "templates.csv")}
    difference = expected_yield(small, moved)
    assert difference > 0
    assert float(rows["DYJetsToMuMu", "npvs"]["difference"]) == pytest.approx(difference, rel=1e-12)


@pytest.mark.parametrize("left", [("MUO=2025-09-23",), ("2025-09-23",)])
def test_tags_of_the_current_layout(
    small: Chain, folder: Path, left: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POCKET_CORRECTIONS", str(folder / "current"))
    monkeypatch.setenv("POCKET_STORE", str(folder / f"store_{left[0]}"))
    assert small.build(CompareCorrections, config="main", left=left, templates=False) == ["CompareCorrections main"]
    (output,) = (folder / f"store_{left[0]}" / "small" / "CompareCorrections").rglob("corrections.csv")
    (row,) = rows_of(output)
    assert (row["file"], row["outcome"], row["differing"]) == (f"corrections://{FILE}", "different", "3")
    assert not (output.parent / "templates.csv").exists()


def test_mistakes(small: Chain, folder: Path) -> None:
    def error(**params: Any) -> str:
        with pytest.raises(ConfigError) as caught:
            small.task(CompareCorrections, config="main", **params)
        return str(caught.value)

    assert error() == "--left and --right are both current: give another one, such as --right latest"
    assert error(right=("latest",), left=("latest",)).startswith("--left and --right are both latest")
    assert error(right=("MOU=latest",)).startswith("unknown group 'MOU' in --right, did you mean 'MUO'")
    assert error(right=("latest",), largest=0) == "--largest is 0, expected 1 or more"
    missing = error(right=("latest",))
    assert missing.startswith(
        f"the corrections on the right: corrections://{CURRENT}/latest/muon_Z.json.gz is not in {folder}/old: "
    )
    assert missing.endswith("; --templates False compares the corrections alone, and --right GROUP=… changes one group")
    # without templates, the table says that one side lacks it
    (used,) = small.task(CompareCorrections, config="main", right=("latest",), templates=False).used()
    assert used.right == f"corrections://{CURRENT}/latest/muon_Z.json.gz"
