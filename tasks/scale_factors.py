"""Scale factors: measured in the templates of one configuration, applied by the weights of others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import luigi

from pocket.fingerprint import code_closure
from pocket.store import write_output
from tasks.base import StoreTask, TemplateTask, input_ids, load
from tasks.merging import MergeOutputs
from tasks.toys import MakeToySamples

if TYPE_CHECKING:
    from pocket.engine.resources import Resources
    from pocket.scale_factors import ScaleFactorBase
    from pocket.scale_factors.base import Made

RESULT = "result.json"


class ScaleFactorTask(TemplateTask):
    """A task for one scale factor of the analysis."""

    scale_factor = luigi.Parameter(description="scale factor of the analysis; no default")

    exclude_index = True

    @classmethod
    def modify_param_values(cls, params: dict[str, Any]) -> dict[str, Any]:
        """Refuse an unknown scale factor before anything runs."""
        params = super().modify_param_values(params)
        load(params["analysis"], params["params"]).scale_factor(params["scale_factor"])
        return params

    @property
    def declaration(self) -> ScaleFactorBase:
        """The scale factor's declaration."""
        return self.analysis_inst.scale_factor(self.scale_factor)

    @property
    def config_part(self) -> str:
        """Name of the scale factor."""
        return str(self.scale_factor)

    def toys(self) -> dict[str, MakeToySamples]:
        """Return the task that makes the toys, if a file that the scale factor is imported from comes with them."""
        from pocket.engine.resources import TOYS

        needed = any(name.startswith(TOYS) for name in self.declaration.files())
        return {"toys": MakeToySamples.req(self, branch=-1)} if needed else {}

    def toy_files(self) -> Resources:
        """Return the files that come with the toys."""
        from pocket.engine.resources import Resources

        return Resources(toys=next((str(task.corrections) for task in self.toys().values()), None))

    def made(self, templates: Mapping[str, MergeOutputs]) -> Made:
        """Return what earlier steps made; ``templates`` are the tasks that do, by configuration."""
        from pocket.scale_factors.base import Made

        folders = {config: task.directory for config, task in templates.items()}
        return Made(folders, self.analysis_inst.years_of, self.toy_files().find)


class ComputeScaleFactors(ScaleFactorTask):
    """Measures a scale factor, or imports one, and writes it for correctionlib."""

    exclude_index = False

    @property
    def templates(self) -> dict[str, MergeOutputs]:
        """The templates that it is measured in, per configuration."""
        return {config: MergeOutputs.req(self, config=config) for config in self.declaration.configs()}

    def requires(self) -> dict[str, StoreTask]:
        """The templates that it is measured in, per configuration, or toys that it is imported from."""
        return {**self.templates, **self.toys()}

    def complete(self) -> bool:
        """Whether the scale factor is there; if not, one that can't be made is refused before anything runs."""
        if super().complete():
            return True
        if self.declaration.checker and not self.toys():
            from pocket.scale_factors.base import find_function

            find_function(self.declaration.checker)(self.declaration)
        return False

    def fingerprint_spec(self) -> Any:
        """The templates or toys, the declaration, and the code of the method."""
        used = (self.declaration.maker, self.declaration.method)
        return {
            "required": {name: task.fingerprint for name, task in self.requires().items()},
            "name": self.scale_factor,
            "declaration": self.declaration,
            "code": [code_closure(reference.partition(":")[0]) for reference in used if reference],
        }

    def input_ids(self) -> dict[str, str] | None:
        """The templates."""
        return input_ids({f"templates {config}": task.output() for config, task in self.templates.items()})

    @property
    def correction_file(self) -> Path:
        """The file for correctionlib."""
        return self.directory / f"{self.scale_factor}.json"

    def scale_factor_files(self) -> dict[str, str]:
        """Return the checksums of this scale factor's file and of those that its templates depend on."""
        manifest = self.output().manifest
        assert manifest is not None
        return {**self.scale_factors_behind, str(self.scale_factor): manifest.files[self.correction_file.name].sha256}

    def make(self) -> None:
        """Make and write the scale factor."""
        from pocket.parameters.checksums import checksums
        from pocket.parameters.locations import recording_files
        from pocket.scale_factors.base import find_function

        make = find_function(self.declaration.maker)
        with recording_files() as used:
            correction, result = make(str(self.scale_factor), self.declaration, self.made(self.templates))
        files = checksums(self.toy_files().not_made(used))
        with write_output(**self.write_info(), parameter_files=files) as folder:
            (folder / self.correction_file.name).write_text(correction, encoding="utf-8")
            if result is not None:
                (folder / RESULT).write_text(result.to_json(), encoding="utf-8")
