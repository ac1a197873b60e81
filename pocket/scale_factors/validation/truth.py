"""Closure against the truth: a measurement repeated with pseudo-data whose scale factors are known.

It finds what a measurement with the scale factor applied can't: a method that is wrong is wrong in the same way when it
is repeated. Data are made of all simulated samples of the configuration, so a background that isn't subtracted is seen.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import stats
from scipy.linalg import block_diag

from pocket.base.runtime.spreading import spread
from pocket.base.typing import Floats
from pocket.errors import ScaleFactorError, UnstableFitError
from pocket.scale_factors.declarations.base import find_function
from pocket.scale_factors.measurement.result import VALID, Measured
from pocket.scale_factors.methods.tag_and_probe.declaration import TagAndProbeFit
from pocket.scale_factors.validation.checks import Check, Chi2, Number
from pocket.scale_factors.validation.pseudo_data import PseudoExperiments

NAME = "truth"
#: number of pseudo-experiments
TOYS = 50
#: number of these that are repeated with other simulated events, two with the same ones
OTHERS = 20
#: largest bias of a bin, and lowest and highest width of its pulls, both in statistical errors
BIAS, WIDTH = 0.3, (0.8, 1.2)
#: bias of a bin, in statistical errors, that all bins may have independently of each other: a fit has some, and what
#: other simulated events do is only known on average
TOLERATED = 0.2
#: width of pulls that counts as none
LEAST_SPREAD = 1e-9
#: smallest share of fits that have a result, and smallest number of pseudo-experiments with one
SHARE, LEAST = 0.99, 20
#: probability that a measurement without a mistake fails by one of the criteria
ALARM = 1e-3
#: variance of a combination of pulls below which it is no test, since correlations are only known approximately
LEAST_VARIANCE = 0.05


@dataclass(frozen=True, eq=False)
class Pulls:
    """Results of pseudo-experiments.

    Args:
        differences: measured − true, shape (experiments that have a result, bins).
        truth: true values, shape (bins,), of one experiment.
        errors: statistical errors, on average over the experiments, shape (bins,).
        correlation: that of the bins, shape (bins, bins).
        simulation: by how much other simulated events change all pulls of a bin together, on average over the bins.
        toys: number of pseudo-experiments, without those that lack the entries to be measured.
    """

    labels: tuple[str, ...]
    differences: Floats
    truth: Floats
    errors: Floats
    correlation: Floats
    simulation: float
    toys: int
    failure: str = ""

    @property
    def pulls(self) -> Floats:
        """Differences from the truth in units of the error.

        The error is that of all experiments, since one that fluctuates along with the value makes a bias of few
        entries.
        """
        return self.differences / self.errors

    def problems(self) -> list[str]:
        """Return what is wrong beyond what the numbers of experiments and bins explain."""
        count, bins = self.pulls.shape
        if stats.binom.sf(self.toys - count - 1, self.toys, 1 - SHARE) < ALARM:
            return [f"{self.toys - count} of {self.toys} pseudo-experiments have no result: {self.failure}"]
        if count < LEAST:
            return [f"only {count} pseudo-experiments have the entries to be measured: {self.failure}"]
        means = self.pulls.mean(axis=0)
        found = []
        if (agreement := self.agreement()).p_value < ALARM:
            found.append(f"the bins are biased together: {agreement}")
        each = ALARM / bins
        bias = np.abs(means) - stats.norm.isf(each / 2) * np.sqrt(self.variances)
        if bias.max() > BIAS:
            worst = int(bias.argmax())
            true = self.truth[worst]
            shift = f" ({100 * self.differences[:, worst].mean() / true:+.2g} %)" if true else ""
            found.append(f"a bias of {means[worst]:+.2g} σ{shift} in {self.labels[worst]}")
        # What is 0 by its templates has no spread.
        some = np.flatnonzero(self.truth)
        pulls, widths = self.pulls[:, some], self.pulls[:, some].std(axis=0, ddof=1)
        # The spread of few entries, whose distribution has a tail, is less well known than that of a normal one.
        tail = np.mean((pulls - pulls.mean(axis=0)) ** 4, axis=0) / np.maximum(pulls.var(axis=0), LEAST_SPREAD) ** 2
        stretch = np.sqrt(1 + np.maximum(tail - 3, 0) / 2)
        low, high = (np.sqrt(stats.chi2.ppf(p, count - 1) / (count - 1)) ** stretch for p in (each, 1 - each))
        for ratio in (WIDTH[0] * low / np.maximum(widths, LEAST_SPREAD), widths / (WIDTH[1] * high)):
            if ratio.max(initial=0.0) > 1:
                worst = int(ratio.argmax())
                found.append(f"pulls of width {widths[worst]:.2g} in {self.labels[some[worst]]}")
        return found

    @property
    def variances(self) -> Floats:
        """Variances of the mean pulls, of experiments and of simulated events; results may spread more than errors."""
        spread = np.maximum(self.pulls.var(axis=0, ddof=1), 1)
        return np.asarray(spread / len(self.pulls) + self.simulation**2)

    def agreement(self) -> Chi2:
        """Return the agreement of the mean pulls of all bins with zero, within the tolerance."""
        means, errors = self.pulls.mean(axis=0), np.sqrt(self.variances)
        covariance = np.outer(errors, errors) * self.correlation + TOLERATED**2 * np.eye(len(means))
        variances, directions = np.linalg.eigh(covariance)
        kept = variances > LEAST_VARIANCE * variances.max()
        value, ndf = float(np.sum((directions.T @ means)[kept] ** 2 / variances[kept])), int(kept.sum())
        return Chi2(value, ndf, float(stats.chi2.sf(value, ndf)))

    def noticed(self) -> float:
        """Return the relative bias of all bins that would fail in every second case."""
        total = self.variances + TOLERATED**2
        reach = stats.chi2.isf(ALARM, len(total)) - (self.variances / total).sum()
        return float(np.sqrt(reach / ((self.truth / self.errors) ** 2 / total).sum()))

    def check(self, compared: str) -> Check:
        """Return the check, with the mean of each bin."""
        problems = self.problems()
        count = len(self.pulls)
        if count < 2:
            return Check(NAME, False, compared, problems[0])
        means, widths = self.pulls.mean(axis=0), self.pulls.std(axis=0, ddof=1)
        numbers = tuple(
            Number(label, float(true + error * mean), float(true), float(error / np.sqrt(count)), float(mean))
            for label, true, error, mean in zip(self.labels, self.truth, self.errors, means, strict=True)
        )
        worst, agreement, noticed = int(np.abs(means).argmax()), self.agreement(), self.noticed()
        summary = (
            f"{count} pseudo-experiments, pulls {self.pulls.mean():+.2f} ± {1 / np.sqrt(self.pulls.size):.2f} of width "
            f"{np.sqrt((widths**2).mean()):.2f}, at most {means[worst]:+.2g} σ (in {self.labels[worst]}), "
            f"{agreement}; would notice {100 * noticed:.2g} %"
        )
        outcome = "; ".join([*problems, summary])
        return Check(NAME, not problems, compared, outcome, agreement, numbers, noticed)


@dataclass(frozen=True)
class Failure:
    """Why a pseudo-experiment has no result.

    Args:
        is_fit: whether a fit has none; otherwise entries are missing, with which there would be no measurement.
    """

    reason: str
    is_fit: bool


@dataclass(frozen=True, eq=False)
class Toy:
    """Result of one pseudo-experiment, of the values that are measured.

    Args:
        differences: measured − true, shape (values,).
        correlation: shape (values, values).
    """

    labels: tuple[str, ...]
    differences: Floats
    truth: Floats
    errors: Floats
    correlation: Floats


def in_pseudo_data(measurements: Sequence[tuple[Sequence[str], PseudoExperiments]], toys: int = TOYS) -> Check:
    """Return the check of a measurement in pseudo-data."""
    compared = "the scale factor measured in pseudo-data of simulation, and what was put into these"
    jobs = [*((seed, False) for seed in range(toys)), *((seed, True) for seed in range(OTHERS))]
    results = [
        spread(partial(measure_once, labels, dataclasses.replace(experiments, number=number)), jobs)
        for number, (labels, experiments) in enumerate(measurements)
    ]
    return pulls_of(list(zip(*results, strict=True)), toys).check(compared)


def pulls_of(results: Sequence[Sequence[Toy | Failure]], toys: int) -> Pulls:
    """Return the pulls of some measurements that are independent.

    Args:
        results: results of each pseudo-experiment, by measurement, and after them those of simulation with other events
            for the first seeds.
    """
    rows = [_together(row) for row in results]
    good = {number: one for number, one in enumerate(rows) if isinstance(one, Toy)}
    first = [one for number, one in good.items() if number < toys]
    failures = [one for one in rows[:toys] if isinstance(one, Failure)]
    failure = min(failures, key=lambda one: not one.is_fit, default=Failure("", is_fit=False)).reason
    measured = toys - sum(not one.is_fit for one in failures)
    if not first:
        nothing = np.zeros((0, 0))
        return Pulls((), nothing, np.zeros(0), np.zeros(0), nothing, 0.0, measured, failure)
    errors = np.array([one.errors for one in first]).mean(axis=0)
    # What two pseudo-experiments with the same other events have in common is due to these.
    changes = {
        number: one.differences - good[number - toys].differences
        for number, one in good.items()
        if number >= toys and number - toys in good
    }
    pairs = [(number, number + 1) for number in range(toys, len(rows), 2) if {number, number + 1} <= set(changes)]
    common = [changes[one] * changes[other] / errors**2 for one, other in pairs]
    return Pulls(
        labels=first[0].labels,
        differences=np.array([one.differences for one in first]),
        truth=first[0].truth,
        errors=errors,
        correlation=first[0].correlation,
        simulation=float(np.sqrt(max(np.mean(common), 0.0))) if pairs else 0.0,
        toys=measured,
        failure=failure,
    )


def _together(row: Sequence[Toy | Failure]) -> Toy | Failure:
    """Return the results of all measurements of a pseudo-experiment as one, or a failure, if possible that of a fit."""
    failures = [one for one in row if isinstance(one, Failure)]
    if failures:
        return min(failures, key=lambda one: not one.is_fit)
    toys = [one for one in row if isinstance(one, Toy)]
    labels = tuple(label for one in toys for label in one.labels)
    keys = ("differences", "truth", "errors")
    differences, truth, errors = (np.concatenate([getattr(one, key) for one in toys]) for key in keys)
    return Toy(labels, differences, truth, errors, block_diag(*(one.correlation for one in toys)))


def measure_once(labels: Sequence[str], experiments: PseudoExperiments, job: tuple[int, bool]) -> Toy | Failure:
    """Return the result of one pseudo-experiment, or why there is none.

    Args:
        job: the seed, and whether simulation has other events.
    """
    seed, has_other_events = job
    # Two seeds have the same other events.
    experiments = experiments.from_other_events(seed // 2) if has_other_events else experiments
    declaration = experiments.declaration
    try:
        # What simulation itself gives may lack entries, too.
        templates, injected = experiments.draw(seed)
        measured: Measured = find_function(declaration.method)(declaration, templates)
    except ScaleFactorError as error:
        return Failure(str(error), isinstance(error, UnstableFitError))
    own = np.flatnonzero([one == VALID for one in measured.statuses])
    truth = injected.truth[own]
    value, up, down = (part[own] for part in (measured.values.value, measured.values.up, measured.values.down))
    # Nuisances of a fit are drawn, so its systematic errors count; those of alternative fits don't.
    drawn = {} if isinstance(declaration, TagAndProbeFit) else measured.systematics
    fitted = np.sum([shift[own] ** 2 for shift, _ in drawn.values()], axis=0)
    up, down = (np.sqrt(side**2 + fitted) for side in (up, down))
    differences = value - truth
    # Differences of squares are divided by 2 · truth, so they have the units of the values.
    roots = np.isin(own, injected.roots)
    for part, total in ((differences, value + truth), (up, 2 * value + up), (down, 2 * value - down)):
        part[roots] *= total[roots] / (2 * truth[roots])
    correlation = np.eye(len(own))
    if measured.covariance is not None and not drawn:
        errors = np.sqrt(np.diag(measured.covariance)[own])
        correlation = measured.covariance[np.ix_(own, own)] / np.outer(errors, errors)
    names = measured.labels(labels)
    return Toy(
        labels=tuple(names[number] for number in own),
        differences=differences,
        truth=truth,
        errors=(up + down) / 2,
        correlation=correlation,
    )
