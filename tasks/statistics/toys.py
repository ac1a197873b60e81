"""Fits of toys of a statistical model, where its parameters start or at points, some in each branch of a workflow."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import law

from pocket.base.fingerprint import code_closure
from pocket.errors import check_known
from pocket.executors.base import Progress
from pocket.io.store import write_output
from pocket.statistics.parameter_options import read_points
from tasks.chain.branches import BatchWorkflow
from tasks.core.targets import StoreTarget
from tasks.framework.base import input_ids
from tasks.settings.options import option
from tasks.statistics.card_files import Card
from tasks.statistics.options import POINTS, REACH, FitOptions, PointOptions, read_model

if TYPE_CHECKING:
    from pocket.statistics.analyses import Choice
    from pocket.statistics.results import PointToys

TOYS = "toys.json"


class ToyWorkflow(FitOptions, BatchWorkflow):
    """A workflow of toys, some in each branch, whose last two items of data are the first toy and the one behind."""

    exclude_index = True
    work_unit = "toys"
    #: file in each branch's folder
    file: str

    def workflow_requires(self) -> dict[str, Any]:
        return self.model_tasks

    def input_ids(self) -> dict[str, str] | None:
        return input_ids({label: task.output() for label, task in self.required_tasks.items()})

    def branch_size(self, branch: int) -> int:
        *_, first, stop = self.get_branch_map()[branch]
        return int(stop - first)

    def split(self, toys: int) -> list[tuple[int, int]]:
        """Return the first of some toys in each of several branches, and the one after the last."""
        size = self.toys_per_branch
        return [(first, min(first + size, toys)) for first in range(0, toys, size)]

    def texts(self) -> Iterator[str]:
        for output in self.branch_outputs.values():
            yield (output.directory / self.file).read_text(encoding="utf-8")

    def job_of(self, fit: Callable[..., str], *arguments: Any) -> ToysJob:
        """Return the work of this branch: a function of some arguments, of numbers of toys, and of the progress."""
        *_, first, stop = self.branch_data
        return ToysJob(partial(fit, *arguments), range(first, stop), self.file, self.write_info())


class FitToys(ToyWorkflow):
    """Fits toys of a model, thrown where its parameters start."""

    toys = option("number of toys", 100, least=1)
    file = TOYS

    def create_branch_map(self) -> list[tuple[int, int]]:
        """Return the first toy of each branch, and the one after its last."""
        return self.split(self.toys)

    def output(self) -> StoreTarget:
        first, stop = self.branch_data
        return self.target(self.directory / f"{first:06d}-{stop:06d}")

    def fingerprint_spec(self) -> Any:
        """Return the model, values of parameters, and the code of fits; a toy doesn't depend on how many there are."""
        return {**self.options_spec, "code": code_closure("pocket.statistics.analyses")}

    def job(self) -> ToysJob:
        return self.job_of(_fit_toys, self.source, self.toys_source, self.choice())

    def values(self) -> dict[str, dict[str, list[float]]]:
        """Return parameter of interest → results of all toys, see :func:`pocket.statistics.analyses.fit_toys`."""
        found: dict[str, dict[str, list[float]]] = {}
        for text in self.texts():
            for poi, results in json.loads(text).items():
                for key, values in results.items():
                    found.setdefault(poi, {}).setdefault(key, []).extend(values)
        return found


@dataclass(frozen=True)
class ToysJob:
    """The work of a branch with some toys: a function of their numbers and of the progress, which returns text."""

    fit: Callable[[range, Progress], str]
    numbers: range
    file: str
    output: Mapping[str, Any]

    @property
    def size(self) -> int:
        return len(self.numbers)

    def run(self, progress: Progress) -> None:
        with write_output(**self.output) as folder:
            (folder / self.file).write_text(self.fit(self.numbers, progress), encoding="utf-8")


def _fit_toys(source: Path | Card, of: Path | Card | None, choice: Choice, numbers: range, progress: Progress) -> str:
    """Return the results of fits of some toys, which are those of another model or card if there is one."""
    from pocket.statistics.analyses import fit_toys

    thrown = None if of is None else read_model(of)
    return json.dumps(fit_toys(read_model(source), numbers, choice, progress, thrown), allow_nan=False)


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
