"""Fits of toys of a statistical model, some in each branch of a workflow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import luigi

from pocket.base.fingerprint import code_closure
from pocket.errors import ConfigError
from pocket.executors.base import Progress
from pocket.io.store import write_output
from tasks.chain.branches import BatchWorkflow
from tasks.core.targets import StoreTarget
from tasks.framework.base import input_ids
from tasks.statistics.card_files import Card
from tasks.statistics.options import FitOptions, read_model

if TYPE_CHECKING:
    from pocket.executors import Job
    from pocket.statistics.analyses import Choice

TOYS = "toys.json"


class ToyWorkflow(FitOptions, BatchWorkflow):
    """A workflow of toys, some in each branch, whose last two items of data are the first toy and the one behind."""

    exclude_index = True
    work_unit = "toys"

    def workflow_requires(self) -> dict[str, Any]:
        """Return the model."""
        return self.model_tasks

    def input_ids(self) -> dict[str, str] | None:
        """Return the model."""
        return input_ids({label: task.output() for label, task in self.required_tasks.items()})

    def branch_size(self, branch: int) -> int:
        """Return the number of toys of a branch."""
        *_, first, stop = self.get_branch_map()[branch]
        return int(stop - first)


class FitToys(ToyWorkflow):
    """Fits toys of a model, thrown where its parameters start."""

    toys = luigi.IntParameter(default=100, description="number of toys; default: 100")
    exclude_index = False

    @classmethod
    def modify_param_values(cls, params: dict[str, Any]) -> dict[str, Any]:
        """Refuse a number of toys that makes no sense."""
        params = super().modify_param_values(params)
        if params["toys"] < 1:
            raise ConfigError(f"--toys is {params['toys']}, expected 1 or more")
        return params

    def create_branch_map(self) -> list[tuple[int, int]]:
        """Return the first toy of each branch, and the one after its last."""
        size = self.toys_per_branch
        return [(first, min(first + size, self.toys)) for first in range(0, self.toys, size)]

    def output(self) -> StoreTarget:
        """Return the branch's folder."""
        first, stop = self.branch_data
        return self.target(self.directory / f"{first:06d}-{stop:06d}")

    def fingerprint_spec(self) -> Any:
        """Return the model, values of parameters, and the code of fits; a toy doesn't depend on how many there are."""
        return {**self.options_spec, "code": code_closure("pocket.statistics.analyses")}

    def job(self) -> Job:
        """Return the work of this branch."""
        first, stop = self.branch_data
        return ToyFitJob(self.source, first, stop, self.choice(), self.write_info(), self.toys_source)

    def values(self) -> dict[str, dict[str, list[float]]]:
        """Return parameter of interest → results of all toys, see :func:`pocket.statistics.analyses.fit_toys`."""
        found: dict[str, dict[str, list[float]]] = {}
        for branch in self.get_branch_tasks().values():
            text = (branch.output().directory / TOYS).read_text(encoding="utf-8")
            for poi, results in json.loads(text).items():
                for key, values in results.items():
                    found.setdefault(poi, {}).setdefault(key, []).extend(values)
        return found


@dataclass(frozen=True)
class ToysJob:
    """The work of a branch with some toys.

    Args:
        model: the file of the model, or the card.
        first, stop: number of the first toy, and the one after the last.
        choice: the data, values at which toys are thrown, seed, and frozen parameters.
        output: arguments of :func:`pocket.io.store.write_output`.
    """

    model: Path | Card
    first: int
    stop: int
    choice: Choice
    output: Mapping[str, Any]

    @property
    def size(self) -> int:
        """Number of toys."""
        return self.stop - self.first


@dataclass(frozen=True)
class ToyFitJob(ToysJob):
    """Fits some toys.

    Args:
        of: the file of the model, or the card, whose toys they are; ``None`` for the fitted one.
    """

    of: Path | Card | None

    def run(self, progress: Progress) -> None:
        """Fit the toys and write their results."""
        from pocket.statistics.analyses import fit_toys

        model, of = read_model(self.model), None if self.of is None else read_model(self.of)
        with write_output(**self.output) as folder:
            found = fit_toys(model, range(self.first, self.stop), self.choice, progress, of)
            (folder / TOYS).write_text(json.dumps(found, allow_nan=False), encoding="utf-8")
