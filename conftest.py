"""The folder that examples in docstrings run in, with small real files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pocket.scale_factors.files.writer import dumps
from pocket.scale_factors.measurement.result import VALID, Measurement, ScaleFactorResult
from tests.real_files import real_file


@pytest.fixture(scope="session")
def folder_of_examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with real NanoAOD files, and a scale factor as ``ComputeScaleFactors`` writes it."""
    folder = tmp_path_factory.mktemp("examples")
    for name in ("nano_dy.root", "nano_dimuon.root"):
        (folder / name).symlink_to(real_file(name))
    (folder / "tight_id").mkdir()
    (folder / "tight_id" / "tight_id.json").write_text(dumps(scale_factor()))
    return folder


def scale_factor() -> ScaleFactorResult:
    """Return a scale factor in two bins of pt, with a statistical error and one systematic source."""
    values, statistical, shift = np.array([0.97, 0.99]), np.array([0.008, 0.006]), np.array([0.006, 0.008])
    return ScaleFactorResult(
        name="tight_id",
        method="EfficiencyRatio",
        description="Scale factor of the tight identification",
        quantity="weight",
        axes={"pt": (20.0, 40.0, 200.0)},
        flow={"pt": "clamp"},
        scale_factor=Measurement(values, statistical, statistical),
        systematics={"background": (shift, -shift)},
        groups=np.arange(2),
        status=(VALID, VALID),
    )


@pytest.fixture(autouse=True)
def run_examples_in_a_folder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let examples find the files by name, and write nothing into the checkout."""
    if isinstance(request.node, pytest.DoctestItem):
        monkeypatch.chdir(request.getfixturevalue("folder_of_examples"))
