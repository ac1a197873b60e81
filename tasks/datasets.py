"""Filesets: the files of the datasets, with entries and UUIDs."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import luigi

from pocket.fingerprint import code_closure
from pocket.store import store_root, write_output
from tasks.base import StoreTask, input_ids
from tasks.toys import MakeToySamples

if TYPE_CHECKING:
    from pocket.datasets.definitions import DatasetDefinition
    from pocket.datasets.fileset import Fileset

FILESET = "fileset.json"


class BuildDatasets(StoreTask):
    """Finds the files of the datasets in a definition file, and records the entries and the UUID of each."""

    definition = luigi.Parameter(
        default="datasets/toys.json",
        description="dataset definition file, relative to the project; default: datasets/toys.json",
    )

    exclude_index = False

    @property
    def config_part(self) -> str:
        """Name of the definition file."""
        return Path(self.definition).stem

    @cached_property
    def definitions(self) -> dict[str, DatasetDefinition]:
        """The datasets by name; cross sections of toys come from the toys' parameters."""
        from pocket.datasets.definitions import read_definitions
        from pocket.parameters.defaults import project_path

        definitions = read_definitions([project_path(self.definition)])
        for name, definition in definitions.items():
            if definition.source == "toys" and definition.is_mc:
                xsec = sum(self.toys.toy_config.process(process).xsec for process in definition.values)
                definitions[name] = replace(definition, xsec=xsec)
        return definitions

    @property
    def has_toys(self) -> bool:
        """Whether some of the files are toys."""
        return any(definition.source == "toys" for definition in self.definitions.values())

    @property
    def toys(self) -> MakeToySamples:
        """The task that makes the toys."""
        return MakeToySamples.req(self, branch=-1)

    def requires(self) -> dict[str, Any]:
        """The toys, where some of the files are."""
        return {"toys": self.toys} if self.has_toys else {}

    def fingerprint_spec(self) -> Any:
        """The definitions, the code that reads them, and the toys."""
        return {
            "definitions": {
                name: (definition.source, definition.values, definition.metadata())
                for name, definition in self.definitions.items()
            },
            "code": code_closure("pocket.datasets.fileset"),
            "toys": self.toys.fingerprint if self.has_toys else None,
        }

    @property
    def downloads(self) -> Path:
        """Folder that keeps files out of coffea's source distribution."""
        return store_root() / "cache" / "coffea_samples"

    def input_ids(self) -> dict[str, str] | None:
        """The files as they are now, by whole path: a fileset doesn't move with its files."""
        from pocket.datasets.fileset import expand

        toys = self.toys.get_branch_tasks().values() if self.has_toys else ()
        ids = input_ids({branch.output().path: branch.output() for branch in toys})
        if ids is None:
            return None
        local = [definition for definition in self.definitions.values() if definition.source in ("paths", "globs")]
        files = [path for definition in local for path in expand(definition, toy_files={}, cache=self.downloads)]
        return ids | {str(path): _state(path) for path in files}

    def make(self) -> None:
        """Open the files and write the fileset."""
        from pocket.datasets.fileset import build_fileset

        result = build_fileset(
            self.definitions,
            toy_files=self.toys.files() if self.has_toys else {},
            cache=self.downloads,
            skip_bad_files=self.skip_bad_files,
        )
        skipped = {file.path: file.reason for file in result.skipped}
        with write_output(**self.write_info(), skipped=skipped) as folder:
            (folder / FILESET).write_text(json.dumps(result.fileset, indent=1), encoding="utf-8")

    def fileset(self) -> Fileset:
        """Read the fileset."""
        fileset: Fileset = json.loads((self.directory / FILESET).read_text(encoding="utf-8"))
        return fileset


def _state(path: Path) -> str:
    """Return what changes together with a file's content."""
    try:
        stat = path.stat()
    except OSError as error:
        return str(error.strerror)
    return f"{stat.st_size} bytes, changed at {stat.st_mtime_ns} ns"
