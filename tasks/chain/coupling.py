"""Coupled scale factors, measured with each other applied in iterations until they converge."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pocket.base.fingerprint import code_closure
from pocket.errors import ConfigError, ScaleFactorError
from pocket.io.store import write_output
from pocket.io.store.publishing import replacing
from tasks.chain.scale_factors import HISTORY, RESULT, ComputeScaleFactors, ScaleFactorTask
from tasks.core.console import say
from tasks.core.targets import are_complete, fetch_verified
from tasks.framework.base import input_ids, load

if TYPE_CHECKING:
    from pocket.configuration.analysis import Analysis
    from pocket.scale_factors import Coupled
    from pocket.scale_factors.measurement.convergence import Change

REPORT = "iterations.json"


class IterateScaleFactors(ScaleFactorTask):
    """Measures coupled scale factors until they converge; the option names one of them.

    The number of iterations is known only afterwards: the task requests one after the other while it runs, and its
    manifest says how many it used. The fingerprints of all iterations are known before, like any other.
    """

    #: number of iterations, once this task has requested all of them
    _asked: int | None = None
    #: number of iterations that were reported in the terminal
    _told = 0

    @classmethod
    def suits(cls, analysis: Analysis, scale_factor: str) -> bool:
        """Whether a scale factor is the first one of a group, which stands for the whole group."""
        group = analysis.coupled_with(scale_factor)
        return group is not None and group.scale_factors[0] == scale_factor

    @classmethod
    def modify_param_values(cls, params: dict[str, Any]) -> dict[str, Any]:
        """Refuse a scale factor that isn't coupled; the first one of a group stands for the whole group."""
        params = super().modify_param_values(params)
        group = load(params).coupled_with(params["scale_factor"])
        if group is None:
            raise ConfigError(
                f"scale factor {params['scale_factor']!r} isn't coupled with others: measure it by ComputeScaleFactors"
            )
        return {**params, "scale_factor": group.scale_factors[0]}

    @property
    def group(self) -> Coupled:
        group = self.analysis_inst.coupled_with(self.scale_factor)
        assert group is not None
        return group

    @property
    def config_part(self) -> str:
        return "+".join(self.group.scale_factors)

    @property
    def count(self) -> int | None:
        """Number of iterations that the output is made from, ``None`` if there is no output."""
        if self._asked is not None:
            return self._asked
        manifest = self.output().manifest
        return int(manifest.info["iterations"]) if manifest else None

    @property
    def last(self) -> int:
        """Number of the last complete iteration that the output is made from; 0 if there is none."""
        most = self.group.max_iterations
        numbers = range(1, min(self.count or most, most))
        # Each iteration requires all of the previous one.
        return next((number for number in reversed(numbers) if are_complete(self.measurements(number))), 0)

    def measurements(self, iteration: int) -> dict[str, ComputeScaleFactors]:
        """Return the measurement of each scale factor in an iteration."""
        return {
            name: ComputeScaleFactors.req(self, scale_factor=name, iteration=iteration)
            for name in self.group.scale_factors
        }

    def requires(self) -> dict[str, ComputeScaleFactors]:
        """Return the last iteration that exists, or else the first one; the task requests others while it runs."""
        return self.measurements(self.last)

    def fingerprint_spec(self) -> Any:
        # Later iterations do the same as the second one. Their largest number decides only whether there is an output.
        return {
            "measurements": {name: task.fingerprint for name, task in self.measurements(1).items()},
            "tolerance": self.group.tolerance,
            "code": code_closure("pocket.scale_factors.measurement.convergence"),
        }

    def input_ids(self) -> dict[str, str] | None:
        count = self.count
        if count is None or count > self.group.max_iterations or self.last < count - 1:
            return None
        return input_ids(
            {
                f"scale factor {name}, iteration {number}": task.output()
                for number in range(count)
                for name, task in self.measurements(number).items()
            }
        )

    def scale_factor_files(self) -> dict[str, str]:
        manifest = self.output().manifest
        assert manifest is not None
        return {name: manifest.files[f"{name}/{name}.json"].sha256 for name in self.group.scale_factors}

    def run(self) -> Iterator[Any]:
        """Request one iteration after the other, then publish the last one; luigi calls this again after each."""
        for number in range(self.group.max_iterations):
            yield self.measurements(number)
            fetch_verified(task.output() for task in self.measurements(number).values())
            changes = self.changes(number + 1)
            if number == self._told:
                say(f"coupled scale factors {self.group.label}, iteration {number}: {_text(changes)}")
                self._told += 1
            if self._have_converged(changes):
                break
        self._asked = number + 1
        super().run()

    def make(self) -> None:
        from pocket.scale_factors.measurement.convergence import report_json

        assert self._asked is not None
        changes, last = self.changes(self._asked), self._asked - 1
        report = report_json(changes, self.group.tolerance)
        if not self._have_converged(changes):
            with replacing(self.failed_directory) as folder:
                (folder / REPORT).write_text(report, encoding="utf-8")
            raise ScaleFactorError(
                f"coupled scale factors {self.group.label} haven't converged after {self._asked} iterations: the last "
                f"change is {changes[-1].text}, expected below {self.group.tolerance:g} σ; the numbers are in "
                f"{self.failed_directory / REPORT}"
            )
        with write_output(**self.write_info(), iterations=self._asked) as folder:
            (folder / REPORT).write_text(report, encoding="utf-8")
            for name, task in self.measurements(last).items():
                (folder / name / HISTORY).mkdir(parents=True)
                for file in (task.correction_file, task.directory / RESULT):
                    shutil.copy(file, folder / name)
            for number in range(self._asked):
                for name, task in self.measurements(number).items():
                    # The fit diagnostics are only kept for the last iteration.
                    bare = dataclasses.replace(task.result(), diagnostics=())
                    (folder / name / HISTORY / f"{number}.json").write_text(bare.to_json(), encoding="utf-8")
        shutil.rmtree(self.failed_directory, ignore_errors=True)

    def changes(self, count: int) -> list[Change]:
        """Return the largest change of each of the first ``count`` iterations after the first."""
        from pocket.scale_factors.measurement.convergence import largest_changes

        measurements = [self.measurements(number) for number in range(count)]
        names = self.group.scale_factors
        return largest_changes({name: [tasks[name].result() for tasks in measurements] for name in names})

    def _have_converged(self, changes: list[Change]) -> bool:
        return bool(changes) and changes[-1].size < self.group.tolerance


def _text(changes: list[Change]) -> str:
    return f"the largest change is {changes[-1].text}" if changes else "measured without each other"
