"""Scale factors: measured in the templates of one configuration, applied by the weights of others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import luigi

from pocket.fingerprint import code_closure
from pocket.store import write_output
from tasks.base import TemplateTask, input_ids, load
from tasks.merging import MergeOutputs

if TYPE_CHECKING:
    from pocket.scale_factors import ScaleFactor

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
    def declaration(self) -> ScaleFactor:
        """The scale factor's declaration."""
        return self.analysis_inst.scale_factor(self.scale_factor)

    @property
    def config_part(self) -> str:
        """Name of the scale factor."""
        return str(self.scale_factor)


class ComputeScaleFactors(ScaleFactorTask):
    """Measures a scale factor and writes it for correctionlib."""

    exclude_index = False

    def requires(self) -> dict[str, MergeOutputs]:
        """The templates that it is measured in, per configuration."""
        return {config: MergeOutputs.req(self, config=config) for config in self.declaration.configs()}

    def fingerprint_spec(self) -> Any:
        """The templates, the declaration, and the code of the method."""
        method = self.declaration.method.partition(":")[0]
        return {
            "templates": {config: task.fingerprint for config, task in self.requires().items()},
            "name": self.scale_factor,
            "declaration": self.declaration,
            "code": [
                code_closure(module)
                for module in ("pocket.scale_factors.outputs", "pocket.scale_factors.writer", method)
            ],
        }

    def input_ids(self) -> dict[str, str] | None:
        """The templates."""
        return input_ids({f"templates {config}": task.output() for config, task in self.requires().items()})

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
        """Measure and write the scale factor."""
        from pocket.scale_factors.outputs import measure_from
        from pocket.scale_factors.writer import dumps

        declaration, required = self.declaration, self.requires()
        folders = {config: task.directory for config, task in required.items()}
        result = measure_from(self.scale_factor, declaration, folders, self.analysis_inst.years_of)
        with write_output(**self.write_info()) as folder:
            (folder / self.correction_file.name).write_text(dumps(result), encoding="utf-8")
            (folder / RESULT).write_text(result.to_json(), encoding="utf-8")
