"""Scale factors, measured in the templates of one configuration and applied by the weights of others."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import law

from pocket.base.fingerprint import code_closure
from pocket.base.fingerprint.reads import recording_reads
from pocket.base.runtime.spreading import spreading
from pocket.base.runtime.user_code import UserCall
from pocket.errors import ConfigError
from pocket.histograms.contents import checksum_of, read_contents
from pocket.histograms.readings import of_config
from pocket.io.store import write_output
from pocket.parameters.used_files import recording_files
from pocket.scale_factors.declarations.base import UpstreamOutputs, find_function
from tasks.chain.links import iterations_of, templates_of
from tasks.chain.readings import fingerprint_of, read_from, template_ids
from tasks.chain.results import describe_ranges
from tasks.chain.toys import MakeToySamples
from tasks.core.console import counted, short_path
from tasks.core.names import choose, is_pattern, split_names
from tasks.framework.base import TemplateTask, input_ids, load
from tasks.framework.iterations import ITERATION, NO_ITERATION, part_of_iteration
from tasks.framework.spreading import spread_over
from tasks.settings.options import option

if TYPE_CHECKING:
    from pocket.configuration.analysis import Analysis
    from pocket.engine.resources import Resources
    from pocket.scale_factors import ScaleFactorBase
    from pocket.scale_factors.measurement.result import ScaleFactorResult
    from tasks.chain.coupling import IterateScaleFactors
    from tasks.chain.merging import MergeOutputs

RESULT = "result.json"
#: folder with the results of all iterations of a coupled scale factor
HISTORY = "iterations"


def code_of(*references: str) -> list[Any]:
    """Return the code of functions ``module:function``, ignoring empty strings."""
    return [code_closure(reference.partition(":")[0]) for reference in references if reference]


class ScaleFactorTask(TemplateTask):
    """A task for one scale factor of the analysis."""

    scale_factor = option("scale factor, or several: a,b or muon*", law.NO_STR, "all of the analysis")
    exclude_index = True

    @classmethod
    def each(cls, given: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the options of a task for each scale factor that is asked for, by default for all."""
        names = split_names(given.get("scale_factor", law.NO_STR))
        if len(names) == 1 and not is_pattern(names[0]):
            return super().each(given)
        analysis = cls.analysis_of(given)
        suitable = [name for name in analysis.scale_factors if name in names or cls.suits(analysis, name)]
        if not suitable:
            raise ConfigError(f"analysis {analysis.name!r} has no scale factor for {cls.task_family}")
        chosen = choose("scale factor", names or suitable, suitable, f"analysis {analysis.name!r}")
        return [{**given, "scale_factor": name} for name in chosen]

    @classmethod
    def suits(cls, analysis: Analysis, scale_factor: str) -> bool:
        """Whether a scale factor is one of all, or of those that a pattern stands for."""
        return True

    @classmethod
    def modify_param_values(cls, params: dict[str, Any]) -> dict[str, Any]:
        from pocket.configuration.checks import check_measurable

        params = super().modify_param_values(params)
        if params["scale_factor"] == law.NO_STR:
            raise ConfigError(f"{cls.task_family} needs scale_factor, e.g. scale_factor=…")
        check_measurable(load(params), params["scale_factor"])
        return params

    @property
    def declaration(self) -> ScaleFactorBase:
        return self.analysis_inst.scale_factor(self.scale_factor)

    @property
    def config_part(self) -> str:
        return part_of_iteration(str(self.scale_factor), self.iteration)

    def toys(self) -> dict[str, MakeToySamples]:
        """Return the task that makes the toys, if the scale factor is imported from a file that belongs to them."""
        from pocket.engine.resources import TOYS

        needed = any(name.startswith(TOYS) for name in self.declaration.files())
        return {"toys": MakeToySamples.req(self, branch=-1)} if needed else {}

    def toy_files(self) -> Resources:
        from pocket.engine.resources import Resources

        return Resources(toys=next((str(task.corrections) for task in self.toys().values()), None))

    def upstream_outputs(
        self, templates: Mapping[str, MergeOutputs], allow_null_systematics: bool = False
    ) -> UpstreamOutputs:
        """Return the outputs of earlier steps; ``templates`` are the tasks that make them, by configuration."""
        folders = {config: task.directory for config, task in templates.items()}
        analysis = self.analysis_inst
        return UpstreamOutputs(
            template_folders=folders,
            dataset_years=analysis.years_of,
            resolve_file=self.toy_files().find,
            allow_null_systematics=allow_null_systematics,
            simulated=lambda config: analysis.config(config).simulated_samples,
        )


class ComputeScaleFactors(ScaleFactorTask):
    """Measures a scale factor, or imports one, and writes it for correctionlib.

    Examples:
        law run ComputeScaleFactors --version v1 --scale-factor muon_id
        law run ComputeScaleFactors --version v1
    """

    options = (ITERATION,)

    @property
    def iterated(self) -> IterateScaleFactors | None:
        """The task that iterated the coupled scale factors, if this is a converged result of it."""
        if self.iteration != NO_ITERATION or self.analysis_inst.coupled_with(self.scale_factor) is None:
            return None
        return iterations_of(self)

    def templates(self) -> dict[str, MergeOutputs]:
        """Return the templates that it is measured in, per configuration; if converged, those of the last iteration."""
        if self.iterated is not None:
            return self.iterated.requires()[str(self.scale_factor)].templates()
        return templates_of(self)

    def requires(self) -> dict[str, Any]:
        """Return its templates, the toys that it is imported from, or the iterations of coupled scale factors."""
        return {**self.templates(), **self.toys()} if self.iterated is None else {"iterations": self.iterated}

    def complete(self) -> bool:
        """Whether the scale factor exists; a wrong import is refused before anything runs."""
        if super().complete():
            return True
        if self.declaration.checker and not self.toys():
            find_function(self.declaration.checker)(self.declaration)
        return False

    def fingerprint_spec(self) -> Any:
        if self.iterated is not None:
            return {"iterations": self.iterated.fingerprint, "name": self.scale_factor}
        readings = self.declaration.readings()
        return {
            "templates": {config: fingerprint_of(config, task, readings) for config, task in self.templates().items()},
            "toys": {name: task.fingerprint for name, task in self.toys().items()},
            "name": self.scale_factor,
            "declaration": self.declaration,
            "code": code_of(self.declaration.maker, self.declaration.method),
        }

    def input_ids(self) -> dict[str, str] | None:
        if self.iterated is not None:
            return input_ids({"iterations": self.iterated.output()})
        readings = self.declaration.readings()

        def checksum(config: str, folder: Path) -> str:
            read = of_config(readings or (), config)
            return checksum_of(read_contents(folder, {reading.variable for reading in read}), read)

        return template_ids(self, self.templates(), None if readings is None else checksum)

    def read_info(self) -> dict[str, Any]:
        return read_from(self.templates()) if self.iterated is None else {}

    @property
    def correction_file(self) -> Path:
        return self.directory / f"{self.scale_factor}.json"

    @property
    def binned(self) -> bool:
        """Whether there are values in bins, as for everything that is measured."""
        return (self.directory / RESULT).exists()

    def describe_output(self) -> str:
        number = len(self.result().status) if self.binned else 0
        return counted(number, "bin") if number else ""

    def describe_results(self) -> list[tuple[str, str]]:
        if not self.binned or self.iteration != NO_ITERATION:
            return []
        return [(str(self.scale_factor), f"{self.describe_output()}  {describe_ranges(self.result())}")]

    def describe_place(self) -> list[tuple[str, str]]:
        return [("file", short_path(self.correction_file))]

    def result(self) -> ScaleFactorResult:
        from pocket.scale_factors.measurement.result import ScaleFactorResult

        return ScaleFactorResult.from_json((self.directory / RESULT).read_text(encoding="utf-8"))

    def history(self) -> tuple[Path, ...]:
        """Return the files with the results of all iterations; only converged coupled scale factors have some."""
        return tuple(sorted((self.directory / HISTORY).glob("*.json"), key=lambda path: int(path.stem)))

    def scale_factor_files(self) -> dict[str, str]:
        manifest = self.output().manifest
        assert manifest is not None
        return {str(self.scale_factor): manifest.files[self.correction_file.name].sha256}

    def make(self) -> None:
        if self.iterated is not None:
            with write_output(**self.write_info()) as folder:
                shutil.copytree(self.iterated.directory / str(self.scale_factor), folder, dirs_exist_ok=True)
            return
        make = find_function(self.declaration.maker)
        # The first iteration of coupled scale factors is measured without the others, so they have no uncertainty yet.
        outputs = self.upstream_outputs(self.templates(), allow_null_systematics=self.iteration == 0)
        with (
            recording_files(self.declaration) as used,
            recording_reads(self.declaration) as reads,
            spreading(spread_over(self.cores)),
            UserCall("scale factor", str(self.scale_factor)),
        ):
            correction, result = make(str(self.scale_factor), self.declaration, outputs)
        files = used.checksums(self.toy_files().not_made(used))
        with write_output(**self.write_info(), parameter_files=files, reads=reads.record()) as folder:
            (folder / self.correction_file.name).write_text(correction, encoding="utf-8")
            if result is not None:
                (folder / RESULT).write_text(result.to_json(), encoding="utf-8")
