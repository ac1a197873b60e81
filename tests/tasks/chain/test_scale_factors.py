from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import correctionlib
import numpy as np
import pytest

from pocket.base.fingerprint.places import portable
from pocket.histograms.files import read_templates
from pocket.io.store import manifest_of
from pocket.scale_factors.measurement.result import ScaleFactorResult
from tasks.chain.merging import MergeOutputs
from tasks.chain.plotting import PlotScaleFactors
from tasks.chain.scale_factors import RESULT, ComputeScaleFactors
from tasks.chain.validation import ValidateScaleFactors
from tests.pocket.scale_factors.correction_trees import binning, category, published
from tests.tasks.in_process import run_here
from tests.tasks.small_chain import Chain

APPLIED_BY = ("RunProcessor", "MergeOutputs", "PlotTemplates")
TWO_STEPS = """
again = configure({"probes": HistConf([tight, muon_pt])}, sf_tight_id)
iso = EfficiencyRatio(**{**vars(tight_id), "input": "again"})
last = configure(spectra, ScaleFactorWeight.wrap("sf_iso", scale_factor="iso", collection="MuonGood"))
"""


def manifest_info(folder: Path) -> Mapping[str, Any]:
    manifest = manifest_of(folder)
    assert manifest is not None
    return manifest.info


def test_file_holds_what_was_measured(chain: Chain) -> None:
    task: ComputeScaleFactors = chain.task(ComputeScaleFactors, scale_factor="tight_id")
    assert task.correction_file.name == "tight_id.json"
    result = ScaleFactorResult.from_json((task.directory / RESULT).read_text())
    correction = correctionlib.CorrectionSet.from_file(str(task.correction_file))["tight_id"]
    values = [correction.evaluate(pt, "nominal") for pt in (20.0, 50.0)]
    assert values == pytest.approx(result.scale_factor.value.tolist())


def test_it_is_measured_in_the_templates(chain: Chain) -> None:
    task: ComputeScaleFactors = chain.task(ComputeScaleFactors, scale_factor="tight_id")
    assert list(task.requires()) == ["probes"]
    templates = read_templates(chain.output("MergeOutputs", "probes"), "probes")
    counts = {sample: templates[sample].values().reshape(-1, 2, 2)[0] for sample in templates}
    failing, passing = counts["DATA_SingleMuon"]
    data = passing / (passing + failing)
    failing, passing = counts["DYJetsToMuMu"]
    simulation = passing / (passing + failing)
    result = ScaleFactorResult.from_json((task.directory / RESULT).read_text())
    assert result.scale_factor.value.tolist() == pytest.approx((data / simulation).tolist())


def test_changed_declaration_runs_again_with_what_applies_it(chain: Chain) -> None:
    before = chain.ids("")
    chain.edit("__init__.py", 'axes=("pt",)', 'axes=("pt",), description="Tight muons"')
    (first, *others) = chain.build()
    assert first == "ComputeScaleFactors tight_id"
    assert set(others) == {"ValidateScaleFactors tight_id", *(f"{task} corrected" for task in APPLIED_BY)}
    assert {path: identifier for path, identifier in chain.ids("").items() if path in before} == before
    chain.edit("__init__.py", ', description="Tight muons"', "")
    assert chain.build() == []


def test_outputs_say_with_which_file_they_were_made(chain: Chain) -> None:
    task: ComputeScaleFactors = chain.task(ComputeScaleFactors, scale_factor="tight_id")
    checksum = hashlib.sha256(task.correction_file.read_bytes()).hexdigest()
    applied = [folder for name in APPLIED_BY for folder in chain.outputs(name, "corrected")]
    assert len(applied) > len(APPLIED_BY)
    for folder in (*applied, chain.output("ValidateScaleFactors", "tight_id")):
        assert manifest_info(folder)["scale_factors"] == {"tight_id": checksum}
    for folder in (
        *chain.outputs("", "main"),
        *chain.outputs("", "probes"),
        *chain.outputs("", "toys"),
        task.directory,
    ):
        assert "scale_factors" not in manifest_info(folder)


@pytest.mark.slow
def test_outputs_name_scale_factors_behind_others(chain: Chain) -> None:
    """What ``iso`` is measured in applies ``tight_id``."""
    chain.edit("__init__.py", "    scale_factors={", '    scale_factors={"iso": iso, ')
    chain.edit("__init__.py", "    configs={", '    configs={"again": again, "last": last,')
    chain.edit("__init__.py", "\nanalysis = Analysis(", f"{TWO_STEPS}\nanalysis = Analysis(")
    chain.build(MergeOutputs, config="last")
    files = [
        chain.task(ComputeScaleFactors, scale_factor=name).correction_file.read_bytes() for name in ("tight_id", "iso")
    ]
    first, second = (hashlib.sha256(file).hexdigest() for file in files)
    assert manifest_info(chain.output("ComputeScaleFactors", "iso"))["scale_factors"] == {"tight_id": first}
    assert manifest_info(chain.output("MergeOutputs", "last"))["scale_factors"] == {"tight_id": first, "iso": second}
    assert list(chain.task(config="last").requires()["closures"]) == ["tight_id", "iso"]


def test_scale_factor_is_applied_with_its_variations(chain: Chain) -> None:
    task: ComputeScaleFactors = chain.task(ComputeScaleFactors, scale_factor="tight_id")
    main, corrected = (
        read_templates(chain.output("MergeOutputs", part), "npvs")["DYJetsToMuMu"] for part in ("main", "corrected")
    )
    assert list(main.axes["variation"]) == ["nominal"]
    assert list(corrected.axes["variation"]) == ["nominal", "sf_tight_idUp", "sf_tight_idDown"]
    total = corrected[{"cat": "baseline"}].values(flow=True).sum(axis=1)
    low, high = sorted(ScaleFactorResult.from_json((task.directory / RESULT).read_text()).scale_factor.value)
    average = total[0] / main.values(flow=True).sum()
    # one or two muons per event
    assert min(low, low**2) < average < max(high, high**2)
    assert total[2] < total[0] < total[1]


PUBLISHED = """
published = Imported(
    file=str(FOLDER / "published.json"),
    correction="vertices",
    inputs={"year": "2018"},
    rename={"nPV": "npvs"},
    systematic="kind",
    keys={"nominal": "sf", "up": "up", "down": "down", "stat_up": "+stat", "stat_down": "-stat"},
)
sf_published = ScaleFactorWeight.wrap("sf_published", "published", inputs={"npvs": "PV.npvsGood"})
"""
#: per bin of the histogram
FACTORS = {kind: shift + np.linspace(0.9, 1.1, 20) for kind, shift in {"sf": 0.0, "up": 0.05, "down": -0.1}.items()}
FACTORS |= {"stat": np.full(20, 0.03)}


def publish(chain: Chain, correction: str = "vertices", **changes: Any) -> None:
    """Write the published scale factor, with other contents of some kinds."""
    edges = np.linspace(0, 80, 21).tolist()
    contents: dict[str, Any] = {
        kind: category("year", {"2018": binning("nPV", edges, values.tolist()), "2017": 2.0})
        for kind, values in FACTORS.items()
    }
    inputs = {"year": "string", "nPV": "real", "kind": "string"}
    content = published(category("kind", contents | changes), inputs) | {"name": correction}
    (chain.analysis / "published.json").write_text(json.dumps({"schema_version": 2, "corrections": [content]}))


@pytest.fixture
def importing(chain: Chain) -> Chain:
    """The chain with a published scale factor that is applied in ``corrected`` instead of the measured one."""
    publish(chain)
    chain.edit("__init__.py", "\nanalysis = Analysis(", f"{PUBLISHED}\nanalysis = Analysis(")
    chain.edit("__init__.py", "import EfficiencyRatio", "import EfficiencyRatio, Imported")
    chain.edit("__init__.py", '"tight_id": tight_id', '"tight_id": tight_id, "published": published')
    chain.edit("__init__.py", "configure(spectra, sf_tight_id)", "configure(spectra, sf_published)")
    return chain


@pytest.mark.slow
def test_imported_scale_factor_is_applied_validated_and_drawn(importing: Chain) -> None:
    first, *others = importing.build()
    assert first == "ComputeScaleFactors published"
    assert set(others) == {"ValidateScaleFactors published", *(f"{task} corrected" for task in APPLIED_BY)}
    main, corrected = (
        read_templates(importing.task(MergeOutputs, config=config).directory, "npvs")["DYJetsToMuMu"]
        for config in ("main", "corrected")
    )
    before = main[{"cat": "baseline", "variation": "nominal"}].values()
    for variation, kind in {"nominal": "sf", "sf_publishedUp": "up", "sf_publishedDown": "down"}.items():
        after = corrected[{"cat": "baseline", "variation": variation}].values()
        np.testing.assert_allclose(after, before * FACTORS[kind], rtol=1e-12, atol=1e-9)
    report = json.loads((importing.output("ValidateScaleFactors", "published") / "report.json").read_text())
    assert {check["name"]: check["passed"] for check in report["checks"]} == {"values": True, "file": True}
    assert importing.build(PlotScaleFactors, scale_factor="published") == ["PlotScaleFactors published"]
    numbers = json.loads((importing.output("PlotScaleFactors", "published") / "published.json").read_text())
    assert numbers["slices"][0]["scale_factor"]["value"] == pytest.approx(FACTORS["sf"].tolist())


def test_imported_scale_factor_is_made_again_when_its_file_changes(importing: Chain) -> None:
    compute = {"cls": ComputeScaleFactors, "scale_factor": "published"}
    assert importing.build(**compute) == ["ComputeScaleFactors published"]
    task: ComputeScaleFactors = importing.task(**compute)
    assert task.requires() == {}
    manifest = task.output().manifest
    assert manifest is not None
    file = importing.analysis / "published.json"
    named = portable(str(file))
    assert named.startswith("<analysis>/")
    assert manifest.info["parameter_files"] == {named: hashlib.sha256(file.read_bytes()).hexdigest()}
    assert importing.build(**compute) == []
    before = importing.ids("ComputeScaleFactors", "published")
    publish(importing, up=1.3)
    assert importing.build(**compute) == ["ComputeScaleFactors published"]
    after = importing.ids("ComputeScaleFactors", "published")
    # a file of the analysis is part of the path with its content, so that the other output is found again
    assert set(before) < set(after)
    publish(importing)
    assert importing.build(**compute) == []


def test_file_that_lacks_what_is_declared_stops_all_before_it_runs(importing: Chain) -> None:
    publish(importing, correction="vertex")
    run = run_here(importing, "PlotTemplates")
    assert run.executed == []
    assert run.errors == ["unknown correction 'vertices' in published.json, did you mean 'vertex'?"]


def test_imported_formula_is_neither_drawn_nor_checked(importing: Chain) -> None:
    formula = {"nodetype": "formula", "expression": "0.9+x/400", "parser": "TFormula", "variables": ["nPV"]}
    publish(importing, sf=formula)
    importing.edit("__init__.py", ', "stat_up": "+stat", "stat_down": "-stat"', "")
    assert importing.build(ValidateScaleFactors, scale_factor="published") == [
        "ComputeScaleFactors published",
        "ValidateScaleFactors published",
    ]
    report = json.loads((importing.output("ValidateScaleFactors", "published") / "report.json").read_text())
    assert [check["outcome"] for check in report["checks"]] == ["not made: it isn't binned in its inputs"]
    sentence = importing.error(PlotScaleFactors, scale_factor="published")
    assert sentence == "scale factor 'published' has no bins, so it can't be drawn"


def test_scale_factor_from_a_file_that_comes_with_the_toys(importing: Chain) -> None:
    importing.edit("__init__.py", 'str(FOLDER / "published.json")', '"toys://muon_Z.json.gz"')
    importing.edit("__init__.py", '"vertices",\n    inputs={"year": "2018"}', '"NUM_TightID_DEN_TrackerMuons"')
    importing.edit(
        "__init__.py", '    rename={"nPV": "npvs"},\n    systematic="kind"', '    systematic="scale_factors"'
    )
    keys = '{"nominal": "nominal", "up": "systup", "down": "systdown"}'
    declared = '{"nominal": "sf", "up": "up", "down": "down", "stat_up": "+stat", "stat_down": "-stat"}'
    importing.edit("__init__.py", declared, keys)
    compute = {"cls": ComputeScaleFactors, "scale_factor": "published"}
    assert importing.build(**compute) == ["ComputeScaleFactors published"]
    task: ComputeScaleFactors = importing.task(**compute)
    assert list(task.requires()) == ["toys"]
    (toys,) = (importing.store / "shared" / "MakeToySamples").rglob("muon_Z.json.gz")
    original = correctionlib.CorrectionSet.from_file(str(toys))["NUM_TightID_DEN_TrackerMuons"]
    written = correctionlib.CorrectionSet.from_file(str(task.correction_file))["published"]
    assert written.evaluate(1.0, 30.0, "up") == original.evaluate(1.0, 30.0, "systup")
    manifest = task.output().manifest
    assert manifest is not None
    assert manifest.info["parameter_files"] == {}


def test_file_that_is_replaced_while_a_chain_runs(importing: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replaced after the branch that it is used in: law would only say that the task isn't complete."""
    file, replaced = importing.analysis / "published.json", []
    made = ComputeScaleFactors.make

    def make(task: ComputeScaleFactors) -> None:
        made(task)
        if not replaced:
            replaced.append(task)
            publish(importing, up=1.3)

    monkeypatch.setattr(ComputeScaleFactors, "make", make)
    compute = {"cls": ComputeScaleFactors, "scale_factor": "published"}
    sentence = importing.error(**compute)
    assert sentence.startswith(f"{file} was replaced while ComputeScaleFactors published ran: run this again")
    assert importing.build(**compute) == ["ComputeScaleFactors published"]
    correction = correctionlib.CorrectionSet.from_file(str(importing.task(**compute).correction_file))["published"]
    assert correction.evaluate(5.0, "up") == pytest.approx(1.3)
    assert importing.build(**compute) == []
