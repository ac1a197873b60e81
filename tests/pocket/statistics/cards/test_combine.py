"""Cards in combine itself, where it is: likelihood, fits, scans, significances, limits and the saturated test.

``.ci/combine`` builds it. Sources of the names of options, files and branches: ``python/DatacardParser.py``,
``bin/combine.cpp``, ``src/Combine.cc`` and ``src/MultiDimFit.cc`` (a branch of each parameter of interest, ``nll`` and
``nll0`` with ``--saveNLL``) of combine, and its documentation, "Common options".
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import uproot
from scipy import stats

from pocket.statistics.cards import read_datacard, write_datacards
from pocket.statistics.cards.syntax import NOTE
from pocket.statistics.fits import Fit, fit
from pocket.statistics.goodness import goodness_of_fit
from pocket.statistics.intervals import find_interval, scan
from pocket.statistics.likelihood import Likelihood
from pocket.statistics.limits import LimitStatistic, find_significance, find_upper_limit
from tests.pocket.statistics import models

pytestmark = [
    pytest.mark.combine,
    pytest.mark.skipif(
        not (shutil.which("text2workspace.py") and shutil.which("combine")),
        reason="needs CMS' combine: text2workspace.py and combine on PATH",
    ),
]

#: Models of 8 bins and of 45, with one parameter of interest, and with two and free yields.
MODELS = {
    **{f"simple-{seed}": lambda seed=seed: models.simple(seed) for seed in range(3)},
    "realistic": models.realistic,
    **{f"random-{seed}": lambda seed=seed: models.random(seed) for seed in (0, 2, 3)},
}
#: those of which all parameters can be determined
DETERMINED = ("simple-0", "simple-1", "simple-2", "realistic")
#: options with which combine writes the likelihood itself instead of its rise above that of the first values
ABSOLUTE = ("--saveNLL", "--X-rtd", "REMOVE_CONSTANT_ZERO_POINT=1")
#: quantiles at which combine has expected limits
QUANTILES = (0.025, 0.16, 0.5, 0.84, 0.975)


@dataclass(frozen=True)
class Both:
    """A card that both programs read.

    Args:
        folder: where it is, with combine's workspace.
        likelihood: ours.
    """

    folder: Path
    likelihood: Likelihood

    def combine(self, method: str, *options: str) -> dict[str, npt.NDArray[np.float64]]:
        """Return the branches of combine's result."""
        run(self.folder, "combine", "-M", method, "workspace.root", "-m", "120", *options)
        with uproot.open(self.folder / f"higgsCombineTest.{method}.mH120.root") as file:
            return {name: branch.array(library="np") for name, branch in file["limit"].items()}

    def fit(self) -> Fit:
        """Return our best fit."""
        return fit(self.likelihood)


def run(folder: Path, *command: str) -> None:
    """Run a command of combine in a folder."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout}\n{done.stderr}"


@pytest.fixture
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Both:
    """The card of a model, with the parameters of interest that its comment defines."""
    card = write_datacards(MODELS[request.param](), tmp_path)
    first = card.read_text().splitlines()[0]
    call = first.removeprefix(NOTE).strip() if "text2workspace.py" in first else f"text2workspace.py {card.name}"
    run(tmp_path, *shlex.split(call), "-o", "workspace.root", "-m", "120", "--X-allow-no-background")
    return Both(tmp_path, Likelihood(read_datacard(card)))


@pytest.mark.parametrize("both", MODELS, indirect=True)
def test_the_likelihood_rises_as_much_between_any_nuisances(both: Both) -> None:
    parameters, pois = both.likelihood.parameters, both.likelihood.model.pois
    rng = np.random.default_rng(5)
    ours, theirs = [], []
    for step in range(4):
        values = {
            name: float(start + (step > 0) * rng.normal(scale=0.5 if start == 0 else 0.1))
            for name, start in zip(parameters.names, parameters.start, strict=True)
            if name not in pois
        }
        ours.append(fit(both.likelihood.adjusted(freeze=values)).deviance / 2)
        settings = ",".join(f"{name}={value!r}" for name, value in values.items())
        found = both.combine(
            "MultiDimFit", *ABSOLUTE, "--setParameters", settings, "--freezeParameters", ",".join(values)
        )
        theirs.append(found["nll"][0] + found["nll0"][0])
    assert max(ours) - min(ours) > 0.3
    # Minuit ends when it expects to come lower by less than this; templates are in single precision.
    np.testing.assert_allclose(np.subtract(theirs, theirs[0]), np.subtract(ours, ours[0]), atol=1e-3)


@pytest.mark.parametrize("both", DETERMINED, indirect=True)
def test_intervals(both: Both) -> None:
    found = both.combine("MultiDimFit", "--algo", "singles")
    interval = find_interval(both.fit(), "r")
    # The best value is followed by the lower and the upper end.
    best, low, high = found["r"]
    size = sum(interval.errors) / 2
    assert best == pytest.approx(interval.value, abs=0.002 * size)
    assert (best - low, high - best) == pytest.approx(interval.errors, abs=0.01 * size)


@pytest.mark.parametrize("both", DETERMINED, indirect=True)
def test_scans(both: Both) -> None:
    found = both.combine("MultiDimFit", "--algo", "grid", "--points", "6", "--setParameterRanges", "r=0,3")
    points = found["r"][1:]
    assert len(points) == 6
    rise = scan(both.fit(), {"r": points.tolist()}).rise
    np.testing.assert_allclose(2 * found["deltaNLL"][1:], rise, rtol=1e-3, atol=2e-3)


@pytest.mark.parametrize("both", DETERMINED, indirect=True)
def test_significance_and_saturated_test(both: Both) -> None:
    found = both.combine("Significance")["limit"][0]
    assert found == pytest.approx(find_significance(both.likelihood, "r").significance, abs=1e-3)
    saturated = both.combine("GoodnessOfFit", "--algo", "saturated")["limit"][0]
    assert saturated == pytest.approx(goodness_of_fit(both.fit()).deviance, abs=1e-3)


@pytest.mark.parametrize("both", DETERMINED, indirect=True)
def test_limits(both: Both) -> None:
    found = both.combine("AsymptoticLimits")
    *expected, observed = found["limit"]
    np.testing.assert_allclose(found["quantileExpected"], (*QUANTILES, -1), rtol=1e-6)
    # combine ends its search when it has the limit to 5 per mille.
    assert observed == pytest.approx(find_upper_limit(both.likelihood, "r").observed, rel=0.01)
    # Its quantiles aren't ours, so its limits are put into the equation that defines them.
    likelihood = both.likelihood.adjusted(ranges={"r": (0.0, np.inf)})
    statistic = LimitStatistic.of(fit(likelihood), likelihood.parameters.index("r"))
    deviations = stats.norm.ppf(QUANTILES)
    roots = [np.sqrt(statistic.background_at(float(value))) for value in expected]
    np.testing.assert_allclose(roots, deviations + stats.norm.isf(0.05 * stats.norm.cdf(deviations)), rtol=0.01)
