"""Closure of scale factors, which later templates have to wait for."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocket.base.runtime.spreading import spreading
from pocket.errors import ClosureError
from pocket.histograms.contents import checksum_of, digest_json, read_contents
from pocket.histograms.files import read_sums
from pocket.histograms.readings import Reading, joined, of_config
from pocket.histograms.sums import read_part
from pocket.io.store import write_output
from pocket.io.store.publishing import replacing
from pocket.parameters.used_files import recording_files
from pocket.scale_factors.declarations.base import find_function
from pocket.scale_factors.declarations.closure import closure_configs
from tasks.chain.merging import MergeOutputs
from tasks.chain.readings import fingerprint_of, read_from, template_ids
from tasks.chain.scale_factors import ComputeScaleFactors, ScaleFactorTask, code_of
from tasks.core.console import short_path
from tasks.framework.base import TemplateTask, input_ids
from tasks.framework.spreading import spread_over
from tasks.settings.options import dial

if TYPE_CHECKING:
    from pocket.scale_factors.validation.report import Report

_log = logging.getLogger(__name__)
REPORT = "report.json"
TABLE = "report.txt"
#: what is said of a scale factor whose values and file alone were checked
UNTESTED = "no closure test"


class ClosureGate(TemplateTask):
    """A task that goes on only if the scale factors upstream of its templates close."""

    accept_closure = dial("go on if the closure of a scale factor fails, and record this", False)
    exclude_index = True

    def closures(self, configs: Iterable[str]) -> dict[str, ValidateScaleFactors]:
        """Return the closure of each scale factor that templates of some configurations depend on."""
        names = (name for config in configs for name in self.analysis_inst.upstream_scale_factors(config))
        return {name: ValidateScaleFactors.req(self, scale_factor=name) for name in dict.fromkeys(names)}


class ValidateScaleFactors(ClosureGate, ScaleFactorTask):
    """Checks that a scale factor closes, and fails if it doesn't."""

    def requires(self) -> dict[str, Any]:
        """Return the scale factor, and the templates for its closure, including those it was measured in."""
        computed = ComputeScaleFactors.req(self)
        templates = computed.templates()
        return {
            "scale_factor": computed,
            "templates": {
                config: templates.get(config) or MergeOutputs.req(self, config=config)
                for measured in self.declaration.measured()
                for config in closure_configs(measured)
            },
        }

    def fingerprint_spec(self) -> Any:
        from pocket.configuration.parts import part_of

        required, declaration, readings = self.requires(), self.declaration, self.readings()
        return {
            "scale_factor": required["scale_factor"].fingerprint,
            "templates": {
                config: fingerprint_of(config, task, readings)
                for config, task in required["templates"].items()
                if config not in declaration.configs()
            },
            # Templates that it was measured in are already upstream of the scale factor, and an iteration decides only
            # later which these are. But the closure may read more of their content, so that is listed here.
            "measured in": {
                config: part_of(self.analysis_inst.config(config), of_config(readings, config)).plan().spec()
                for config in required["templates"]
                if readings is not None and config in declaration.configs()
            },
            "closure": [measured.closure for measured in declaration.measured()],
            "code": code_of(declaration.validator, declaration.method, declaration.algebra),
        }

    def readings(self) -> tuple[Reading, ...] | None:
        """Return the parts of the templates that the checks read, ``None`` for all templates."""
        config = self.analysis_inst.config
        read = [
            measured.closure_readings(config(measured.input).simulated_samples)
            for measured in self.declaration.measured()
        ]
        return joined(reading for readings in read for reading in readings or ()) if None not in read else None

    def input_ids(self) -> dict[str, str] | None:
        required, readings = self.requires(), self.readings()

        def checksum(config: str, folder: Path) -> str:
            read = of_config(readings or (), config)
            contents = read_contents(folder, {reading.variable for reading in read})
            return digest_json([checksum_of(contents, read), read_part(read_sums(folder), config, read)])

        templates = template_ids(self, required["templates"], None if readings is None else checksum)
        scale_factor = input_ids({"scale factor": required["scale_factor"].output()})
        return None if templates is None or scale_factor is None else {**scale_factor, **templates}

    def read_info(self) -> dict[str, Any]:
        return read_from(self.requires()["templates"])

    def make(self) -> None:
        with recording_files() as used, spreading(spread_over(self.cores)):
            report = self.report()
        made = (str(self.requires()["scale_factor"].correction_file),)
        files = used.checksums(name for name in self.toy_files().not_made(used) if used[name] not in made)
        if report.failed:
            print(report.table(), end="", flush=True)
        else:
            _log.info("%s", report.table().rstrip())
        accepted = bool(report.failed) and self.accept_closure
        if report.failed and not accepted:
            with replacing(self.failed_directory) as folder:
                _write(folder, report, accepted=False)
            raise ClosureError(
                f"{report.sentence}; the report is in {self.failed_directory / REPORT}; --accept-closure "
                "continues anyway"
            )
        found: dict[str, Any] = {"failed": report.failed, "accepted": accepted, "parameter_files": files}
        with write_output(**self.write_info(), **found) as folder:
            _write(folder, report, accepted=accepted)
        shutil.rmtree(self.failed_directory, ignore_errors=True)

    def describe_output(self) -> str:
        """Return the verdict; without a declared closure, only values and file were checked."""
        found = self._found()
        if not found["passed"]:
            return "failed, accepted"
        return str(found["short"]) if found["tested"] else UNTESTED

    def describe_results(self) -> list[tuple[str, str]]:
        found = self._found()
        told = [f"closure {self.describe_output()}"] if not found["passed"] else found["statements"]
        # Each has a line of its own, below the values.
        return [(str(self.scale_factor), "\n".join(["", *told]) if found["tested"] else UNTESTED)]

    def statements(self) -> dict[str, bool]:
        """Return what is said of the closure below the heading of a figure, a line each → whether it is good."""
        found = self._found()
        told = [f"closure failed: {check['name']}" for check in found["checks"] if check["passed"] is False]
        return dict.fromkeys(told, False) or dict.fromkeys(found["statements"] if found["tested"] else [UNTESTED], True)

    def _found(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.directory / REPORT).read_text(encoding="utf-8"))
        return found

    def describe_place(self) -> list[tuple[str, str]]:
        return [("checks", short_path(self.directory / TABLE))]

    def report(self) -> Report:
        required = self.requires()
        computed = required["scale_factor"]
        report: Report = find_function(self.declaration.validator)(
            str(self.scale_factor),
            self.declaration,
            self.upstream_outputs(required["templates"]),
            computed.correction_file.read_text(encoding="utf-8"),
            computed.result() if computed.binned else None,
        )
        return report


def _write(folder: Path, report: Report, *, accepted: bool) -> None:
    (folder / REPORT).write_text(report.to_json(accepted=accepted), encoding="utf-8")
    (folder / TABLE).write_text(report.table(), encoding="utf-8")
