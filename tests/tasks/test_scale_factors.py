from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import correctionlib
import pytest

from pocket.outputs import read_templates
from pocket.scale_factors.result import ScaleFactorResult
from pocket.store import read_manifest
from tasks.merging import MergeOutputs
from tasks.scale_factors import RESULT, ComputeScaleFactors
from tests.tasks.chain import Chain

APPLIED_BY = ("RunProcessor", "MergeOutputs", "PlotTemplates")
TWO_STEPS = """
again = configure({"probes": HistConf([tight, muon_pt])}, sf_tight_id)
iso = EfficiencyRatio(**{**vars(tight_id), "input": "again"})
last = configure(spectra, ScaleFactorWeight.wrap("sf_iso", scale_factor="iso", collection="MuonGood"))
"""


def manifest_info(folder: Path) -> Mapping[str, Any]:
    manifest = read_manifest(folder)
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
