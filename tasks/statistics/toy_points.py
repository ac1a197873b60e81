"""Toys at points of a parameter of interest, some in each branch of a workflow, for limits, p-values and intervals."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import law

from pocket.base.fingerprint import code_closure
from pocket.errors import check_known
from pocket.executors.base import Progress
from pocket.statistics.parameter_options import read_points
from tasks.core.targets import StoreTarget
from tasks.settings.options import option
from tasks.statistics.card_files import Card
from tasks.statistics.options import POINTS, REACH, PointOptions, read_model
from tasks.statistics.toys import ToysJob, ToyWorkflow

if TYPE_CHECKING:
    from pocket.statistics.analyses import Choice
    from pocket.statistics.results import PointToys

#: toys with the parameter at the point, and without a signal
SIGNAL, NONE = "signal", "none"


class ThrowToys(PointOptions, ToyWorkflow):
    """Fits toys at points of a parameter of interest, from which ``FitModel`` takes limits, p-values and intervals."""

    data = option("asimov or observed (needs --unblind)", "asimov")
    asimov = option("nuisances of Asimov data: prefit, or postfit for those of a fit to data", "prefit")
    file = "points.json"

    @property
    def given(self) -> tuple[str, tuple[float, ...]] | None:
        """The parameter and the points of the command line, ``None`` for those from the asymptotic limits."""
        return None if self.points == law.NO_STR else read_points(self.points)

    def create_branch_map(self) -> list[tuple[int, str, int, int]]:
        """Return point, kind of toys, the first toy and the one after the last of each branch."""
        zeros = [value == 0 for value in self.given[1]] if self.given else [True] + [False] * (POINTS - 1)
        return [
            (point, kind, first, stop)
            for point, is_zero in enumerate(zeros)
            # At 0, both are the same.
            for kind in ((SIGNAL,) if is_zero else (SIGNAL, NONE))
            for first, stop in self.split(self.toys_per_point)
        ]

    def output(self) -> StoreTarget:
        point, kind, first, stop = self.branch_data
        return self.target(self.directory / f"{point:03d}-{kind}-{first:06d}-{stop:06d}")

    def fingerprint_spec(self) -> Any:
        """Return the model, the data, the points, and the code; a toy doesn't depend on how many there are."""
        return {
            **self.options_spec,
            "data": self.data,
            "asimov": self.asimov,
            "points": self.points,
            "code": code_closure("pocket.statistics.toy_points"),
        }

    def job(self) -> ToysJob:
        point, kind, *_ = self.branch_data
        choice = self.choice(data=self.data, asimov=self.asimov)
        return self.job_of(_throw_toys, self.source, choice, self.given, point, kind)

    def found(self) -> list[PointToys]:
        """Return the toys of all branches, those of one point and kind together."""
        from pocket.statistics import from_json
        from pocket.statistics.toy_points import joined

        return joined(map(from_json, self.texts()))


def _throw_toys(
    source: Path | Card,
    choice: Choice,
    given: tuple[str, tuple[float, ...]] | None,
    point: int,
    kind: str,
    numbers: range,
    progress: Progress,
) -> str:
    """Return the results of fits of some toys, with the parameter at a point or without a signal."""
    from pocket.statistics import to_json
    from pocket.statistics.analyses import choose_likelihood, of_limit
    from pocket.statistics.toy_points import default_points, throw_at

    model = read_model(source)
    likelihood = choose_likelihood(model, choice)
    poi, points = given or (next(iter(model.pois)), ())
    check_known("parameter of interest", [poi], model.pois, "--points")
    likelihood = of_limit(likelihood, choice, poi)
    tested = (points or default_points(likelihood, poi, POINTS, REACH))[point]
    # Toys with and without the signal are independent.
    seed = 2 * choice.seed + (kind == NONE)
    return to_json(throw_at(likelihood, poi, tested if kind == SIGNAL else 0.0, tested, numbers, seed, progress))
