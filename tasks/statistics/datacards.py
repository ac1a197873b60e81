"""Statistical models made of merged templates."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import law
import luigi

from pocket.base.fingerprint import code_closure
from pocket.errors import StatisticsError
from pocket.histograms.contents import checksum_of, read_contents
from pocket.histograms.readings import of_config
from pocket.io.store import Manifest, write_output
from pocket.io.store.publishing import replacing
from tasks.chain.blinding import UnblindTask
from tasks.chain.merging import MergeOutputs
from tasks.chain.readings import fingerprint_of, read_from, template_ids
from tasks.chain.validation import ClosureGate
from tasks.framework.base import input_ids, load
from tasks.framework.restrictions import restriction_of

if TYPE_CHECKING:
    from pocket.histograms.readings import Reading
    from pocket.statistics import Built, Model, StatisticalModel

MODEL, TREATMENT, CHECKS, WORKSPACE = "model.h5", "treatment.json", "checks.json", "workspace.json"
#: modules whose code decides what is written
_CODE = ("building", "regions", "model_files", "checks", "cards.writing", "pyhf_workspace")
#: numbers of a workspace above which none is written
_LARGEST_WORKSPACE = 5_000_000
#: number of warnings that are printed
_SHOWN = 5


class ModelTask(UnblindTask, ClosureGate):
    """A task for one statistical model of the analysis."""

    model = luigi.Parameter(description="statistical model of the analysis; no default")

    exclude_index = True

    @classmethod
    def modify_param_values(cls, params: dict[str, Any]) -> dict[str, Any]:
        """Refuse an unknown model, or one that needs datasets that are left out, before anything runs."""
        params = super().modify_param_values(params)
        if params.get("card", law.NO_STR) != law.NO_STR:
            return params
        analysis = load(params)
        model = analysis.model(params["model"])
        for config in model.configs:
            analysis.config(config)
        if restriction_of(params):
            from pocket.statistics.consistency import check_model

            check_model(params["model"], model, analysis)
        return params

    @property
    def declaration(self) -> StatisticalModel:
        """The declared model."""
        return self.analysis_inst.model(self.model)

    @property
    def config_part(self) -> str:
        """Name of the model."""
        return str(self.model)

    @property
    def shows_blind(self) -> bool:
        """Whether the data of blind regions are used; a model without such regions is the same either way."""
        return bool(self.reason) and bool(self.declaration.blind)


class ProduceDatacards(ModelTask):
    """Makes a statistical model of templates, as datacards and as a workspace, with a record of their treatment."""

    strict = luigi.BoolParameter(
        default=False, significant=False, description="fail if a check has a warning; default: False"
    )

    exclude_index = False

    def requires(self) -> dict[str, Any]:
        """Return the templates of all configurations of the model, and their upstream closures."""
        configs = self.declaration.configs
        return {
            "templates": {config: MergeOutputs.req(self, config=config) for config in configs},
            "closures": self.closures(configs),
        }

    @cached_property
    def readings(self) -> tuple[Reading, ...] | None:
        """The parts of the templates that are read, ``None`` for all if variations are only known with events."""
        from pocket.statistics.consistency import readings_of, stored_variations_of

        declaration = self.declaration
        stored: set[str] = set()
        for region in declaration.regions.values():
            config = self.analysis_inst.config(region.config)
            of_region, is_complete = stored_variations_of(region, config, declaration.samples)
            if not is_complete:
                return None
            stored |= of_region
        return readings_of(declaration, stored)

    def fingerprint_spec(self) -> Any:
        """Return the parts of templates that are read, the declaration, and the code."""
        templates = self.requires()["templates"]
        return {
            "templates": {config: fingerprint_of(config, task, self.readings) for config, task in templates.items()},
            "declaration": self.declaration,
            "years": {config: self.analysis_inst.years_of(config) for config in templates},
            "blind": not self.shows_blind,
            "code": [code_closure(f"pocket.statistics.{module}") for module in _CODE],
        }

    def input_ids(self) -> dict[str, str] | None:
        """Return the parts of the templates that are read, and the closures."""
        required, readings = self.requires(), self.readings

        def checksum(config: str, folder: Path) -> str:
            read = of_config(readings or (), config)
            return checksum_of(read_contents(folder, {reading.variable for reading in read}), read)

        templates = template_ids(self, required["templates"], None if readings is None else checksum)
        closures = input_ids({f"closure {name}": task.output() for name, task in required["closures"].items()})
        return None if templates is None or closures is None else {**templates, **closures}

    def lacks(self, manifest: Manifest) -> str:
        """Return that an output has warnings, if ``--strict`` allows none."""
        warnings = int(manifest.info.get("warnings", 0))
        return f"a model without its {counted(warnings, 'warning')}" if self.strict and warnings else ""

    def make(self) -> None:
        """Make the model, and write and print what was found.

        Raises:
            StatisticsError: if there are warnings and ``--strict`` is given.
        """
        from pocket.statistics import MergedTemplates, build_model

        templates = self.requires()["templates"]
        folders = {config: task.directory for config, task in templates.items()}
        years = {config: self.analysis_inst.years_of(config) for config in templates}
        declaration = self.declaration
        merged = MergedTemplates(declaration, folders, years)
        built = build_model(declaration, merged, unblind=self.shows_blind)
        print(summary(self.model, built), flush=True)
        if built.findings and self.strict:
            with replacing(self.failed_directory) as folder:
                write_model(folder, built)
            first = built.findings[0].text
            raise StatisticsError(
                f"model {self.model!r} has {counted(len(built.findings), 'warning')}, which --strict doesn't allow: "
                f"{first}; all are in {self.failed_directory / CHECKS}"
            )
        info: dict[str, Any] = {"warnings": len(built.findings), **(self.reason if self.shows_blind else {})}
        with write_output(**self.write_info(), **read_from(templates), **info) as folder:
            write_model(folder, built)
        shutil.rmtree(self.failed_directory, ignore_errors=True)
        print(f"datacards of {self.model} are in {self.directory}")

    @property
    def failed_directory(self) -> Path:
        """Hidden folder for what a failed attempt found, which is no output."""
        return self.directory.with_name(f".{self.directory.name}.failed")


def write_model(folder: Path, built: Built) -> None:
    """Write a model, its datacards, its workspace, the treatment of its templates and its checks.

    A model with formulas has no workspace, since HistFactory doesn't know them, and neither has one whose workspace
    would be too large to be read.

    Args:
        folder: an existing folder.
        built: the model.
    """
    from pocket.statistics import pyhf_workspace, save_model, write_datacards, write_treatment
    from pocket.statistics.checks import write_checks

    save_model(built.model, folder / MODEL)
    write_datacards(built.model, folder)
    if not built.model.formulas and workspace_size(built.model) <= _LARGEST_WORKSPACE:
        with (folder / WORKSPACE).open("w", encoding="utf-8") as file:
            json.dump(pyhf_workspace(built.model), file)
    with (folder / TREATMENT).open("w", encoding="utf-8") as file:
        write_treatment(built.treatment, file)
    (folder / CHECKS).write_text(write_checks(built.model, built.findings), encoding="utf-8")


def workspace_size(model: Model) -> int:
    """Return how many numbers the workspace of a model has: statistical errors of simulation are templates there."""
    templates = sum(
        region.bins * (2 * sum(map(len, region.shapes.values())) + len(region.processes) * (region.bins * 2 + 1))
        for region in model.regions
    )
    return int(templates)


def summary(name: str, built: Built) -> str:
    """Return some lines about a model: its size, and the first of its warnings."""
    model = built.model
    bins = sum(region.bins for region in model.regions)
    shapes = {nuisance for region in model.regions for nuisance in region.shapes}
    lines = [
        f"model {name}: {counted(len(model.regions), 'region')} with {counted(bins, 'bin')}, "
        f"{counted(len(model.processes), 'process', 'processes')}, {counted(len(model.parameters), 'parameter')}, "
        f"{len(shapes)} of them with shapes"
    ]
    if built.pruned:
        shown = ", ".join(built.pruned[:_SHOWN]) + (", …" if len(built.pruned) > _SHOWN else "")
        lines.append(f"{counted(len(built.pruned), 'nuisance')} left out, too small in all regions: {shown}")
    if model.blind:
        lines.append(f"without data: {', '.join(model.blind)}")
    return "\n".join([*lines, *warning_lines([finding.check for finding in built.findings])])


def warning_lines(checks: Sequence[str], place: str = CHECKS) -> list[str]:
    """Return one line that counts warnings by check, none if there are none.

    Args:
        checks: the check of each warning.
        place: the file that has them.
    """
    if not checks:
        return []
    kinds = ", ".join(f"{number} {check.replace('_', ' ')}" for check, number in Counter(checks).most_common(_SHOWN))
    return [f"checks: {counted(len(checks), 'warning')} ({kinds}), see {place}"]


def counted(number: int, one: str, several: str = "") -> str:
    """Return a number with a noun, ``1 bin`` or ``2 bins``.

    Args:
        number: the number.
        one: the noun.
        several: its plural, if that isn't formed by an s.
    """
    return f"{number} {one if number == 1 else several or one + 's'}"
