"""Cards in combine itself, where it is: expected events, and the fit.

Sources of the names of options, files and branches: ``python/DatacardParser.py``, ``bin/combine.cpp``,
``src/Combine.cc``, ``src/FitDiagnostics.cc`` (``fitDiagnostics{name}.root``, with the first parameter of interest at
``--preFitValue``, which is 1) and ``src/MultiDimFit.cc`` (a branch of each parameter of interest) of combine, and its
documentation, "Common options" and "FitDiagnostics".
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import uproot

from pocket.statistics.cards import read_datacard, write_datacards
from pocket.statistics.cards.syntax import NOTE
from pocket.statistics.fits import fit
from pocket.statistics.likelihood import Likelihood
from tests.pocket.statistics import models

pytestmark = [
    pytest.mark.combine,
    pytest.mark.skipif(
        not (shutil.which("text2workspace.py") and shutil.which("combine")),
        reason="needs CMS' combine: text2workspace.py and combine on PATH",
    ),
]


def run(folder: Path, *command: str) -> None:
    """Run a command of combine in a folder."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout}\n{done.stderr}"


def workspace(card: Path) -> None:
    """Make ``workspace.root`` with the parameters of interest that the card's comment defines."""
    first = card.read_text().splitlines()[0]
    call = first.removeprefix(NOTE).strip() if "text2workspace.py" in first else f"text2workspace.py {card.name}"
    run(card.parent, *shlex.split(call), "-o", "workspace.root", "-m", "120", "--X-allow-no-background")


@pytest.mark.parametrize("seed", range(3))
def test_expectation_and_fit(seed: int, tmp_path: Path) -> None:
    card = write_datacards(models.simple(seed), tmp_path)
    model = read_datacard(card)
    best = fit(Likelihood(model), bounds_allowed=True)
    workspace(card)
    ranges = ":".join(f"{name}={poi.low},{poi.high}" for name, poi in model.pois.items())
    arguments = ("workspace.root", "-m", "120", "--setParameterRanges", ranges)
    run(tmp_path, "combine", "-M", "FitDiagnostics", *arguments, "--saveShapes", "--skipBOnlyFit")
    run(tmp_path, "combine", "-M", "MultiDimFit", *arguments, "--algo", "singles", "--saveFitResult")
    with uproot.open(tmp_path / "fitDiagnosticsTest.root") as file:
        for region, slices in zip(model.regions, best.likelihood.arrays.slices(), strict=True):
            found = file[f"shapes_prefit/{region.name}/total"].values()
            start = best.likelihood.expectation(best.likelihood.parameters.start)[slices]
            # Combine's histograms are in single precision, and those of all regions have the bins of the largest.
            np.testing.assert_allclose(found[: region.bins], start, rtol=1e-5)
            assert not found[region.bins :].any()
    with uproot.open(tmp_path / "higgsCombineTest.MultiDimFit.mH120.root") as file:
        tree = file["limit"]
        # The best fit is the entry with −1; those at the ends of intervals have ±0.32.
        is_best = tree["quantileExpected"].array(library="np") == -1
        values = {name: tree[name].array(library="np")[is_best] for name in model.pois}
    for name, found in values.items():
        assert found[0] == pytest.approx(best.value(name), abs=0.05 * best.error(name))
