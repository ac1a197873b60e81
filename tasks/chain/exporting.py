"""Outputs in the layout of other frameworks."""

from __future__ import annotations

from typing import Any

from pocket.base.fingerprint import code_closure
from pocket.io.store import write_output
from tasks.chain.merging import MergeOutputs
from tasks.core.console import short_path
from tasks.framework.base import ConfigTask, input_ids

#: file names that PocketCoffea's plotting expects
COFFEA_FILE = "output_all.coffea"
PARAMETERS_FILE = "parameters_dump.yaml"


class ExportCoffea(ConfigTask):
    """Writes templates and columns as one .coffea file in PocketCoffea's layout."""

    exclude_index = False

    def requires(self) -> MergeOutputs:
        """Return the merged output."""
        return MergeOutputs.req(self)

    def fingerprint_spec(self) -> Any:
        """Return the merged output, the parameters written beside it, and the code that converts."""
        from pocket.parameters.plain import to_plain

        return {
            "merged": self.requires().fingerprint,
            "parameters": to_plain(self.config_inst.parameters),
            "code": code_closure("pocket.outputs.pocketcoffea"),
        }

    def input_ids(self) -> dict[str, str] | None:
        """Return the merged output."""
        return input_ids({"merged output": self.requires().output()})

    def make(self) -> None:
        """Convert the merged output and write the file."""
        from pocket.histograms.files import read_output
        from pocket.outputs.pocketcoffea import plotting_parameters, read_all_columns, to_coffea_layout, write_coffea
        from pocket.parameters.defaults import dump_parameters

        config, source = self.config_inst, self.requires().directory
        exported = to_coffea_layout(config, read_output(source), read_all_columns(source))
        with write_output(**self.write_info()) as folder:
            write_coffea(folder / COFFEA_FILE, exported)
            (folder / PARAMETERS_FILE).write_text(dump_parameters(plotting_parameters(config)), encoding="utf-8")

    def describe_place(self) -> list[tuple[str, str]]:
        """Return the file."""
        return [("file", short_path(self.directory / COFFEA_FILE))]
