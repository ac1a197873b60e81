"""Statistical models made of merged templates."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cached_property, partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import law

from pocket.base.fingerprint import code_closure
from pocket.errors import ConfigError, StatisticsError
from pocket.histograms.contents import checksum_of, digest_json, read_contents
from pocket.histograms.readings import of_config
from pocket.io.store import Manifest, write_output
from pocket.io.store.publishing import replacing
from tasks.chain.blinding import UnblindTask
from tasks.chain.merging import MergeOutputs
from tasks.chain.readings import fingerprint_of, read_from, template_ids
from tasks.chain.validation import ClosureGate
from tasks.core.console import counted, short_path
from tasks.framework.base import input_ids, load
from tasks.framework.restrictions import restriction_of
from tasks.settings.options import dial, option

if TYPE_CHECKING:
    from pocket.configuration.analysis import Analysis
    from pocket.histograms.readings import Reading
    from pocket.statistics import Built, MergedTemplates, Model, StatisticalModel
    from pocket.statistics.checks import Finding

MODEL, TREATMENT, CHECKS, WORKSPACE = "model.h5", "treatment.json", "checks.json", "workspace.json"
#: modules whose code decides what is written
_CODE = ("building", "regions", "shared_events", "model_files", "checks", "cards.writing", "pyhf_workspace")
#: numbers of a workspace above which none is written
_LARGEST_WORKSPACE = 5_000_000
#: number of warnings that are printed
_SHOWN = 5


class ModelTask(UnblindTask, ClosureGate):
    """A task for one statistical model of the analysis."""

    model = option("statistical model of the analysis", law.NO_STR)
    exclude_index = True

    @classmethod
    def modify_param_values(cls, params: dict[str, Any]) -> dict[str, Any]:
        params = super().modify_param_values(params)
        if params.get("card", law.NO_STR) != law.NO_STR:
            return params
        if params["model"] == law.NO_STR:
            raise no_model(load(params), "--model")
        from pocket.configuration.models import check_model

        analysis = load(params)
        for name, model in analysis.parts_of(params["model"]).items():
            for config in model.configs:
                analysis.config(config)
            if restriction_of(params):
                check_model(name, model, analysis)
        return params

    @cached_property
    def parts(self) -> dict[str, StatisticalModel]:
        """The declared models by name: one, or several that are combined."""
        return self.analysis_inst.parts_of(self.model)

    @property
    def config_part(self) -> str:
        return str(self.model)

    @property
    def shows_blind(self) -> bool:
        """Whether the data of blind regions are used; a model without such regions is the same either way."""
        return bool(self.reason) and any(part.blind for part in self.parts.values())


def no_model(analysis: Analysis, options: str) -> ConfigError:
    """Return the error for a command that names no model, with those that there are."""
    return ConfigError(
        f"expected {options}; analysis {analysis.name!r} has {', '.join(analysis.models) or 'no models'}"
    )


class ProduceDatacards(ModelTask):
    """Makes a statistical model of templates, as datacards and as a workspace, with a record of their treatment."""

    strict = dial("fail if a check has a warning", False)

    @property
    def combines(self) -> bool:
        return self.model not in self.parts

    @property
    def declaration(self) -> StatisticalModel:
        """The declared model, if it combines no others."""
        return self.parts[self.model]

    def record_reason(self) -> Path | None:
        """Record the reason for which data of blind regions are used; a model without such regions needs none."""
        return super().record_reason() if self.shows_blind else None

    def requires(self) -> dict[str, Any]:
        """Return templates and their upstream closures; of combined models these, and the templates that they share."""
        if self.combines:
            from pocket.statistics.shared_events import pairs_of_regions

            pairs = pairs_of_regions(list(self.parts.values()))
            return {
                "models": {name: ProduceDatacards.req(self, model=name) for name in self.parts},
                "templates": self._templates(sorted({one.region.config for one, _ in pairs})),
            }
        configs = self.declaration.configs
        return {"templates": self._templates(configs), "closures": self.closures(configs)}

    def _templates(self, configs: Iterable[str]) -> dict[str, MergeOutputs]:
        return {config: MergeOutputs.req(self, config=config) for config in configs}

    @cached_property
    def readings(self) -> tuple[Reading, ...] | None:
        """The parts of the templates that are read, ``None`` for all if variations are only known with events."""
        from pocket.configuration.models import readings_of, stored_variations_of

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
        code = [code_closure(f"pocket.statistics.{module}") for module in _CODE]
        if self.combines:
            return {
                "models": {name: task.fingerprint for name, task in self.requires()["models"].items()},
                "code": code,
            }
        templates = self.requires()["templates"]
        return {
            "templates": {config: fingerprint_of(config, task, self.readings) for config, task in templates.items()},
            "model": self.declaration,
            "years": {config: self.analysis_inst.years_of(config) for config in templates},
            "blind": not self.shows_blind,
            "code": code,
        }

    def input_ids(self) -> dict[str, str] | None:
        required = self.requires()
        readings = () if self.combines else self.readings

        def checksum(config: str, folder: Path) -> str:
            shared = [asdict(finding) for finding in self.shared_events({config: folder})]
            if self.combines:
                return digest_json(shared)
            read = of_config(readings or (), config)
            of_templates = checksum_of(read_contents(folder, {reading.variable for reading in read}), read)
            return digest_json([of_templates, shared]) if shared else of_templates

        templates = template_ids(self, required["templates"], None if readings is None else checksum)
        kind, tasks = ("model", required["models"]) if self.combines else ("closure", required["closures"])
        others = input_ids({f"{kind} {name}": task.output() for name, task in tasks.items()})
        return None if templates is None or others is None else {**templates, **others}

    def read_info(self) -> dict[str, Any]:
        return read_from(self.requires()["templates"])

    def lacks(self, manifest: Manifest) -> str:
        warnings = int(manifest.info.get("warnings", 0))
        return f"a model without its {counted(warnings, 'warning')}" if self.strict and warnings else ""

    def make(self) -> None:
        built, write_treatment = self.combined() if self.combines else self.built()
        findings = built.findings
        is_refused = bool(findings) and self.strict
        place = short_path((self.failed_directory if is_refused else self.directory) / CHECKS)
        print(summary(self.model, built, place), flush=True)
        if is_refused:
            with replacing(self.failed_directory) as folder:
                write_model(folder, built, write_treatment)
            raise StatisticsError(
                f"model {self.model!r} has {counted(len(findings), 'warning')}, which --strict doesn't allow: "
                f"{findings[0].text}; all are in {self.failed_directory / CHECKS}"
            )
        info: dict[str, Any] = {"warnings": len(findings), **(self.reason if self.shows_blind else {})}
        with write_output(**self.write_info(), **info) as folder:
            missing = write_model(folder, built, write_treatment)
        shutil.rmtree(self.failed_directory, ignore_errors=True)
        if missing:
            print(missing)

    def built(self) -> tuple[Built, Callable[[IO[str]], None]]:
        """Return the model of the templates, and a function that writes their treatment."""
        from pocket.statistics import build_model, write_treatment

        templates = self.templates
        built = build_model(self.declaration, templates, unblind=self.shows_blind)
        built = replace(built, findings=(*self.shared_events(templates.folders), *built.findings))
        return built, partial(write_treatment, built.treatment)

    @property
    def templates(self) -> MergedTemplates:
        """The templates that the model is made of."""
        from pocket.statistics import MergedTemplates

        required = self.requires()["templates"]
        folders = {config: task.directory for config, task in required.items()}
        return MergedTemplates(
            self.declaration, folders, {config: self.analysis_inst.years_of(config) for config in required}
        )

    def shared_events(self, folders: Mapping[str, Path]) -> Iterator[Finding]:
        """Yield what regions have in common, of the configurations whose folders of merged templates are given."""
        from pocket.statistics.shared_events import find_shared_events

        return find_shared_events(list(self.parts.values()), folders, unblind=self.shows_blind)

    def combined(self) -> tuple[Built, Callable[[IO[str]], None]]:
        """Return the model of the combined ones, with what was found in these, and the same function."""
        from pocket.statistics import Built, combine_models, load_model
        from pocket.statistics.building import join_treatments
        from pocket.statistics.checks import read_checks

        required = self.requires()
        folders = [task.directory for task in required["models"].values()]
        model = combine_models(*(load_model(folder / MODEL) for folder in folders))
        shared = self.shared_events({config: task.directory for config, task in required["templates"].items()})
        findings = (
            *shared,
            *(finding for folder in folders for finding in read_checks((folder / CHECKS).read_text(encoding="utf-8"))),
        )

        def write(file: IO[str]) -> None:
            join_treatments(((folder / TREATMENT).read_text(encoding="utf-8") for folder in folders), file)

        return Built(model, {}, findings), write


def write_model(folder: Path, built: Built, write_treatment: Callable[[IO[str]], None]) -> str:
    """Write all files of a model, and return a sentence that says why there is no workspace; empty if there is one."""
    from pocket.statistics import pyhf_workspace, save_model, write_datacards
    from pocket.statistics.checks import write_checks

    model = built.model
    save_model(model, folder / MODEL)
    write_datacards(model, folder)
    missing = why_without_workspace(model)
    if not missing:
        # Writing to a file as it is encoded takes four times as long.
        (folder / WORKSPACE).write_text(json.dumps(pyhf_workspace(model)), encoding="utf-8")
    with (folder / TREATMENT).open("w", encoding="utf-8") as file:
        write_treatment(file)
    (folder / CHECKS).write_text(write_checks(model, built.findings), encoding="utf-8")
    return missing


def why_without_workspace(model: Model) -> str:
    """Return a sentence that says why a model has no workspace of pyhf; empty if it can have one."""
    if model.formulas:
        return f"no {WORKSPACE}: the model has the formula {next(iter(model.formulas))!r}, and pyhf has no formulas"
    # Statistical errors of simulation are templates there.
    size = sum(
        region.bins * (2 * sum(map(len, region.shapes.values())) + len(region.processes) * (region.bins * 2 + 1))
        for region in model.regions
    )
    if size > _LARGEST_WORKSPACE:
        return (
            f"no {WORKSPACE}: it would have {size:.2g} numbers, more than the {_LARGEST_WORKSPACE:.2g} that can be "
            "read; pocket.statistics.pyhf_workspace makes it of model.h5"
        )
    return ""


def summary(name: str, built: Built, place: str = CHECKS) -> str:
    """Return some lines about a model: its size, and the first of its warnings."""
    model = built.model
    bins = sum(region.bins for region in model.regions)
    shapes = {nuisance for region in model.regions for nuisance in region.shapes}
    lines = [
        f"model {name}: {counted(len(model.regions), 'region')} with {counted(bins, 'bin')}, "
        f"{counted(len(model.processes), 'process', 'processes')}, {counted(len(model.parameters), 'parameter')}, "
        f"{len(shapes)} of them with shapes{_of_simulation(model)}"
    ]
    if built.pruned:
        shown = ", ".join(built.pruned[:_SHOWN]) + (", …" if len(built.pruned) > _SHOWN else "")
        lines.append(f"{counted(len(built.pruned), 'nuisance')} left out, too small in all regions: {shown}")
    if model.blind:
        lines.append(f"without data: {', '.join(model.blind)}")
    # Events that count twice are no matter of taste as the others may be.
    lines += [f"warning: {finding.text}" for finding in built.findings if finding.check == "shared_events"][:_SHOWN]
    return "\n".join([*lines, *warning_lines([finding.check for finding in built.findings], place)])


def _of_simulation(model: Model) -> str:
    from pocket.statistics.tensors import count_simulation, poisson_processes, tensors

    gaussian, _, events = poisson_processes(model, tensors(model))
    number = count_simulation(gaussian, events)
    return f", and {number} of simulation's statistics" if number else ""


def warning_lines(checks: Sequence[str], place: str = CHECKS) -> list[str]:
    """Return one line that counts warnings by check, none if there are none."""
    if not checks:
        return []
    kinds = ", ".join(f"{number} {check.replace('_', ' ')}" for check, number in Counter(checks).most_common(_SHOWN))
    return [f"checks: {counted(len(checks), 'warning')} ({kinds}), see {place}"]
