"""Fits of toys of a statistical model, some in each branch of a workflow."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocket.base.fingerprint import code_closure
from pocket.executors.base import Progress
from pocket.io.store import write_output
from tasks.chain.branches import BatchWorkflow
from tasks.core.targets import StoreTarget
from tasks.framework.base import input_ids
from tasks.settings.options import option
from tasks.statistics.card_files import Card
from tasks.statistics.options import FitOptions, read_model

if TYPE_CHECKING:
    from pocket.statistics.analyses import Choice

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
