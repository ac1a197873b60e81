"""Code that is edited while a run is under way, or isn't the same in jobs, on real batch systems."""

from __future__ import annotations

import numpy as np
import pytest

from pocket.io.store import manifest_of
from tests.services.checkout import Analysis, Checkout, same, submitted

Templates = dict[str, np.ndarray]

QUICK = ("--poll-interval", "1s", "--retry-delay", "0.5")
TOYS = "datasets/toys.json"
SYSTEMS = [
    pytest.param("htcondor", marks=pytest.mark.htcondor),
    pytest.param("slurm", marks=pytest.mark.slurm),
]
#: whoever loads the analysis edits the original of a file, in one step: two jobs may do so at once
EDIT = """
import os as _os
from pathlib import Path as _Path

_file = _Path({file!r})
_new = _file.parents[1] / f"edited-{{_os.getpid()}}"
_new.write_text(_file.read_text().replace("pt: 20.0", "pt: 40.0"))
_new.replace(_file)
"""
#: in jobs, a parameter has another value
DIFFERS = """
import os as _os

if _os.environ.get("POCKET_EXPECTED"):
    parameters.leading_muon.pt = 33.0
"""


@pytest.fixture
def system(request: pytest.FixtureRequest) -> str:
    """The batch system, which runs."""
    name = str(request.param)
    request.getfixturevalue({"htcondor": "htcondor_pool", "slurm": "slurm_cluster"}[name])
    return name


def add(analysis: Analysis, code: str, before: str) -> None:
    """Add code to the analysis, in front of a line."""
    path = analysis.folder / "__init__.py"
    text = path.read_text()
    assert text.count(before) == 1
    path.write_text(text.replace(before, f"{code}\n{before}"))


@pytest.mark.slow
@pytest.mark.parametrize("system", SYSTEMS, indirect=True)
def test_an_edit_while_jobs_wait_has_no_part_in_them(system: str, analysis: Analysis, expected: Templates) -> None:
    parameters = analysis.folder / "parameters.yaml"
    add(analysis, EDIT.format(file=str(parameters)), "muon_pt = Axis(")
    run = analysis.run("MergeOutputs", "--workflow", system, *QUICK)
    assert run.code == 0, run.text
    assert "pt: 40.0" in parameters.read_text()
    assert submitted(run.text) == [2]
    assert same(analysis.templates(), expected)
    outputs = list((analysis.checkout.store / "small" / "RunProcessor" / "main").rglob("[!.]*-*.zip"))
    assert len(outputs) == 2
    for output in outputs:
        manifest = manifest_of(output)
        assert manifest is not None
        assert manifest.info["usage"]["host_kind"] == system
        assert set(manifest.info["records"]) == {"spec", "code", "lock"}


@pytest.mark.slow
@pytest.mark.parametrize("system", SYSTEMS, indirect=True)
def test_jobs_with_other_parameters_write_nothing(system: str, analysis: Analysis) -> None:
    add(analysis, DIFFERS, "muon_pt = Axis(")
    run = analysis.run("RunProcessor", "--workflow", system, *QUICK, "--tasks-per-job", "2")
    assert run.code != 0
    (sentence,) = run.errors
    assert "isn't what this run began with: " in sentence
    assert "20.0 → 33.0" in sentence
    # not tried again
    assert submitted(run.text) == [1]
    assert not list((analysis.checkout.store / "small" / "RunProcessor").rglob("*-*.zip"))


@pytest.mark.slow
@pytest.mark.htcondor
@pytest.mark.usefixtures("htcondor_pool")
def test_jobs_with_a_bundle_do_the_default_analysis(checkout: Checkout) -> None:
    always = "--version v1 --config nominal --params toys.scale=0.004 --cores 1"
    bundle = "--workflow htcondor --environment bundle --poll-interval 1s --tasks-per-job 4"
    # with toys that are there
    assert checkout.run(f"law run BuildDatasets --version v1 --params toys.scale=0.004 --definition {TOYS}").code == 0
    run = checkout.run(f"law run RunProcessor {always} {bundle}", timeout=600)
    assert run.code == 0, run.text
    assert submitted(run.text) == [1], run.text
    merged = checkout.run(f"law run MergeOutputs {always}")
    assert merged.code == 0, merged.text
    # what the jobs wrote is where the submitter looks for it
    assert merged.executed == ["MergeOutputs"]
    outputs = (checkout.store / "zmumu" / "RunProcessor" / "nominal").rglob("[!.]*-*.zip")
    manifests = [manifest for output in outputs if (manifest := manifest_of(output))]
    assert manifests
    assert {manifest.info["usage"]["host_kind"] for manifest in manifests} == {"htcondor"}
