"""Toys at points of a parameter of interest, some in each branch of a workflow, for limits, p-values and intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import law
import luigi

from pocket.base.fingerprint import code_closure
from pocket.errors import check_known
from pocket.executors.base import Progress
from pocket.io.store import write_output
from pocket.statistics.parameter_options import read_points
from tasks.core.targets import StoreTarget
from tasks.statistics.options import POINTS, REACH, PointOptions, read_model
from tasks.statistics.toys import ToysJob, ToyWorkflow

if TYPE_CHECKING:
    from pocket.executors import Job
    from pocket.statistics.results import PointToys

FILE = "points.json"
#: toys with the parameter at the point, and without a signal
SIGNAL, NONE = "signal", "none"


class ThrowToys(PointOptions, ToyWorkflow):
    """Fits toys at points of a parameter of interest, from which ``FitModel`` takes limits, p-values and intervals."""

    data = luigi.Parameter(default="asimov", description="asimov or observed (needs --unblind); default: asimov")
    asimov = luigi.Parameter(
        default="prefit",
        description="nuisances of Asimov data: prefit, or postfit for those of a fit to data; default: prefit",
    )
    exclude_index = False

    @property
    def count(self) -> int:
        """Number of points."""
        return POINTS if self.points == law.NO_STR else len(read_points(self.points)[1])

    def is_zero(self, point: int) -> bool:
        """Whether a point has no signal."""
        return point == 0 if self.points == law.NO_STR else read_points(self.points)[1][point] == 0

    def create_branch_map(self) -> list[tuple[int, str, int, int]]:
        """Return point, kind of toys, the first toy and the one after the last of each branch."""
        size = self.toys_per_branch
        return [
            (point, kind, first, min(first + size, self.toys_per_point))
            for point in range(self.count)
            for kind in (SIGNAL, NONE)
            # At 0, both are the same.
            if kind == SIGNAL or not self.is_zero(point)
            for first in range(0, self.toys_per_point, size)
        ]

    def output(self) -> StoreTarget:
        """Return the branch's folder."""
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

    def job(self) -> Job:
        """Return the work of this branch."""
        point, kind, first, stop = self.branch_data
        choice = self.choice(data=self.data, asimov=self.asimov)
        given = None if self.points == law.NO_STR else self.points
        return PointToysJob(self.source, first, stop, choice, self.write_info(), given, point, kind)

    def found(self) -> list[PointToys]:
        """Return the toys of all branches, those of one point and kind together."""
        from pocket.statistics import from_json
        from pocket.statistics.toy_points import joined

        folders = [branch.output().directory for branch in self.get_branch_tasks().values()]
        return joined(from_json((folder / FILE).read_text(encoding="utf-8")) for folder in folders)


@dataclass(frozen=True)
class PointToysJob(ToysJob):
    """Fits some toys at a point.

    Args:
        points: the points of the command line, ``None`` for those that follow from the asymptotic limits.
        point: number of the point.
        kind: whether the toys have the signal of the point, or none.
    """

    points: str | None
    point: int
    kind: str

    def run(self, progress: Progress) -> None:
        """Fit the toys and write their results."""
        from pocket.statistics import to_json
        from pocket.statistics.analyses import choose_likelihood, of_limit
        from pocket.statistics.toy_points import default_points, throw_at

        model = read_model(self.model)
        likelihood = choose_likelihood(model, self.choice)
        poi = next(iter(model.pois)) if self.points is None else read_points(self.points)[0]
        check_known("parameter of interest", [poi], model.pois, "--points")
        likelihood = of_limit(likelihood, self.choice, poi)
        if self.points is None:
            points = default_points(likelihood, poi, POINTS, REACH)
        else:
            _, points = read_points(self.points)
        tested = points[self.point]
        at = tested if self.kind == SIGNAL else 0.0
        # Toys with and without the signal are independent.
        seed = 2 * self.choice.seed + (self.kind == NONE)
        with write_output(**self.output) as folder:
            numbers = range(self.first, self.stop)
            found = throw_at(likelihood, poi, at, tested, numbers, seed, progress)
            (folder / FILE).write_text(to_json(found), encoding="utf-8")
