"""Code that is edited while a run is under way, or isn't the same in jobs, on real batch systems.

Jobs of all systems begin with the same script, so one system is asked for each fact.
"""

from __future__ import annotations

import numpy as np
import pytest

from pocket.io.store import manifest_of
from tests.services.checkout import Analysis, same, submitted

Templates = dict[str, np.ndarray]

QUICK = ("--poll-interval", "0.2s", "--retry-delay", "0.5")
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


def add(analysis: Analysis, code: str, before: str) -> None:
    """Add code to the analysis, in front of a line."""
    path = analysis.folder / "__init__.py"
    text = path.read_text()
    assert text.count(before) == 1
    path.write_text(text.replace(before, f"{code}\n{before}"))


@pytest.mark.slow
@pytest.mark.htcondor
@pytest.mark.usefixtures("htcondor_pool")
def test_an_edit_while_jobs_wait_has_no_part_in_them(analysis: Analysis, expected: Templates) -> None:
    parameters = analysis.folder / "parameters.yaml"
    add(analysis, EDIT.format(file=str(parameters)), "muon_pt = Axis(")
    run = analysis.run("MergeOutputs", "--workflow", "htcondor", *QUICK)
    assert run.code == 0, run.text
    assert "pt: 40.0" in parameters.read_text()
    assert submitted(run.text) == [2]
    assert same(analysis.templates(), expected)
    outputs = list((analysis.checkout.store / "small" / "RunProcessor" / "main").rglob("[!.]*-*.zip"))
    assert len(outputs) == 2
    for output in outputs:
        manifest = manifest_of(output)
        assert manifest is not None
        assert manifest.info["usage"]["host_kind"] == "htcondor"
        assert set(manifest.info["records"]) == {"spec", "code", "lock"}


@pytest.mark.slow
@pytest.mark.slurm
@pytest.mark.usefixtures("slurm_cluster")
def test_jobs_with_other_parameters_write_nothing(analysis: Analysis) -> None:
    add(analysis, DIFFERS, "muon_pt = Axis(")
    run = analysis.run("RunProcessor", "--workflow", "slurm", *QUICK, "--tasks-per-job", "2")
    assert run.code != 0
    (sentence,) = run.errors
    assert "isn't what this run began with: " in sentence
    assert "20.0 → 33.0" in sentence
    # not tried again
    assert submitted(run.text) == [1]
    assert not list((analysis.checkout.store / "small" / "RunProcessor").rglob("*-*.zip"))
