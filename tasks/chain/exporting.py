"""Outputs in the layouts of other frameworks and of the CMS groups."""

from __future__ import annotations

import gzip
import json
from typing import Any

import law
import luigi

from pocket.base.fingerprint import code_closure
from pocket.errors import ConfigError, check_known
from pocket.histograms.files import read_output
from pocket.io.store import write_output
from pocket.parameters.defaults import dump_parameters
from pocket.parameters.plain import to_plain
from tasks.chain.merging import MergeOutputs
from tasks.chain.scale_factors import ComputeScaleFactors
from tasks.chain.validation import ClosureGate, ValidateScaleFactors
from tasks.core.console import short_path
from tasks.core.names import choose, read_inputs
from tasks.framework.base import ConfigTask, input_ids, load
from tasks.settings.options import option

#: file names that PocketCoffea's plotting expects
COFFEA_FILE = "output_all.coffea"
PARAMETERS_FILE = "parameters_dump.yaml"


class ExportCoffea(ConfigTask):
    """Writes templates and columns as one .coffea file in PocketCoffea's layout."""

    def requires(self) -> MergeOutputs:
        return MergeOutputs.req(self)

    def fingerprint_spec(self) -> Any:
        return {
            "merged": self.requires().fingerprint,
            "parameters": to_plain(self.config_inst.parameters),
            "code": code_closure("pocket.compat.coffea_output"),
        }

    def input_ids(self) -> dict[str, str] | None:
        return input_ids({"merged output": self.requires().output()})

    def make(self) -> None:
        from pocket.compat.coffea_output import plotting_parameters, read_all_columns, to_coffea_layout, write_coffea

        config, source = self.config_inst, self.requires().directory
        exported = to_coffea_layout(config, read_output(source), read_all_columns(source))
        with write_output(**self.write_info()) as folder:
            write_coffea(folder / COFFEA_FILE, exported)
            (folder / PARAMETERS_FILE).write_text(dump_parameters(plotting_parameters(config)), encoding="utf-8")

    def describe_place(self) -> list[tuple[str, str]]:
        return [("file", short_path(self.directory / COFFEA_FILE))]


class ExportScaleFactors(ClosureGate):
    """Writes scale factors that close to a file in the layout of a CMS group.

    Examples:
        law run ExportScaleFactors --version v1 --scale-factor muon_id --layout MUO --names NUM_TightID_DEN_TrackerMuons
    """

    scale_factor = law.CSVParameter(description="scale factor, or several: a,b or muon*; no default")
    layout = luigi.Parameter(description="MUO, EGM, EGM-HLT, BTV, TAU-VSjet, TAU-VSe or TAU-VSmu; no default")
    names = law.CSVParameter(
        description="name of the correction of each scale factor; with flavours of jets one for b and c and one for "
        "light jets; no default"
    )
    inputs = option(
        "inputs of the layout that are no axes, e.g. year=2018, abseta=0:2.5 for a range, eta=etaEle for an axis "
        "with another name; axes that are no inputs, e.g. year=2018 for one year",
        (),
    )

    @classmethod
    def modify_param_values(cls, params: dict[str, Any]) -> dict[str, Any]:
        from pocket.scale_factors.files.published import LAYOUTS, place

        params = super().modify_param_values(params)
        analysis = load(params)
        check_known("layout", [params["layout"]], LAYOUTS, cls.task_family)
        known, inputs = analysis.scale_factors, read_inputs("--inputs", params["inputs"])
        params["scale_factor"] = choose("scale factor", params["scale_factor"], known, f"analysis {analysis.name!r}")
        if len(params["names"]) < len(params["scale_factor"]):
            raise ConfigError(f"--names needs a name for each of {', '.join(params['scale_factor'])}")
        for name in params["scale_factor"]:
            if (kind := getattr(known[name], "quantity", "weight")) != "weight":
                raise ConfigError(f"scale factor {name!r} is no weight but of the kind {kind!r}, which no layout has")
            # Only its file names the inputs of an imported one.
            if axes := known[name].input_names():
                place(name, axes, params["layout"], inputs)
        return params

    @property
    def config_part(self) -> str:
        return "+".join(self.scale_factor)

    def requires(self) -> dict[str, dict[str, Any]]:
        kinds = {"scale factor": ComputeScaleFactors, "closure": ValidateScaleFactors}
        return {
            kind: {name: cls.req(self, scale_factor=name) for name in self.scale_factor} for kind, cls in kinds.items()
        }

    def fingerprint_spec(self) -> Any:
        return {
            "scale_factors": {name: task.fingerprint for name, task in self.requires()["scale factor"].items()},
            "written": (self.layout, self.names, self.inputs),
            "code": code_closure("pocket.scale_factors.files.published"),
        }

    def input_ids(self) -> dict[str, str] | None:
        return input_ids(
            {f"{kind} {name}": task.output() for kind, tasks in self.requires().items() for name, task in tasks.items()}
        )

    def make(self) -> None:
        from pocket.scale_factors.files.published import write

        made = self.requires()["scale factor"]
        files = {name: task.correction_file.read_text(encoding="utf-8") for name, task in made.items()}
        corrections = {name: json.loads(text)["corrections"][0] for name, text in files.items()}
        written = write(corrections, self.layout, self.names, read_inputs("--inputs", self.inputs))
        with write_output(**self.write_info()) as folder:
            # Without the time, equal scale factors give equal files.
            content = gzip.compress(written.model_dump_json(exclude_unset=True).encode(), mtime=0)
            (folder / self.file_name).write_bytes(content)

    @property
    def file_name(self) -> str:
        from pocket.scale_factors.files.published import LAYOUTS

        return LAYOUTS[self.layout].file

    def describe_place(self) -> list[tuple[str, str]]:
        return [("file", short_path(self.directory / self.file_name))]
