"""Filesets: the files of the datasets, with their numbers of entries and UUIDs."""

from __future__ import annotations

import json
import stat
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocket.base.fingerprint import code_closure
from pocket.base.fingerprint.places import portable
from pocket.datasets.definition_files import read_definitions
from pocket.datasets.definitions import DatasetDefinition
from pocket.errors import ConfigError, DatasetError, check_known
from pocket.io.remote.client import is_remote
from pocket.io.store import Manifest, store_root, write_output
from pocket.io.store.paths import store_file, store_name
from pocket.parameters.shipped import find_file
from tasks.chain.toys import MakeToySamples
from tasks.core.console import counted, short_path
from tasks.core.targets import StoreTarget, fetch, fetch_verified
from tasks.core.terminal import print_left_out, print_note
from tasks.framework.base import StoreTask, input_ids
from tasks.framework.progress import counting_bar
from tasks.settings.catalogues import catalogue_settings, catalogues, print_findings
from tasks.settings.options import dial, option

if TYPE_CHECKING:
    from pocket.datasets.fileset import Fileset

FILESET = "fileset.json"
#: definition file that is read by default
TOYS = "datasets/toys.json"
#: largest step in s in which file systems record times; coarse ones use 1 or 2
STEP = 2.0


class BuildDatasets(StoreTask):
    """Finds the files of the datasets in a definition file, and records the entries and the UUID of each.

    With ``--analysis`` and without ``--definition``, these are the definition files of the analysis if it doesn't read
    the toys.

    Examples:
        law run BuildDatasets --version v1 --definition datasets/toys.json
        law run BuildDatasets --version v1 --definition datasets/toys.json --check
    """

    definition = option(
        "dataset definition file, relative to the project; those of --analysis if it doesn't read the default", TOYS
    )
    check = dial(
        "only compare the files with the existing fileset, print the differences, and fail if there are any", False
    )
    check_duplicates = dial(
        "only look for duplicate events of data, with the same run, luminosity section and event number, print "
        "them, and fail if there are any",
        False,
    )

    # A fileset has whole files, so this is no option.
    limit_chunks = 0

    _checked = False

    @classmethod
    def each(cls, given: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the options of a task for each definition file that the given analysis reads, if it reads no toys."""
        if "definition" in given or "analysis" not in given:
            return super().each(given)
        files: dict[str, None] = {}
        for config in cls.analysis_of(given).configs.values():
            origins = {definition.origin for definition in config.definitions.values()}
            files |= dict.fromkeys(file for file in config.definition_files if find_file(file) in origins)
        if not files or find_file(TOYS) in map(find_file, files):
            return super().each(given)
        return [{**given, "definition": file} for file in files]

    @property
    def config_part(self) -> str:
        return Path(self.definition).stem

    @cached_property
    def definitions(self) -> dict[str, DatasetDefinition]:
        """The datasets by name; toys without a cross section have that of the toys' parameters."""
        definitions = read_definitions([find_file(self.definition)])
        if self.restriction:
            definitions = self.restriction.select(definitions)
        for name, definition in definitions.items():
            if definition.source != "toys":
                continue
            toys = self.toys.toy_config(definition.year)
            check_known("toy process", definition.values, toys.made, definition.where)
            if definition.is_mc and definition.xsec is None:
                xsec = sum(toys.process(process).xsec for process in definition.values)
                definitions[name] = replace(definition, xsec=xsec)
        return definitions

    @property
    def has_toys(self) -> bool:
        """Whether some of the files are toys."""
        return any(definition.source == "toys" for definition in self.definitions.values())

    @property
    def only_checks(self) -> bool:
        return bool(self.check or self.check_duplicates)

    @property
    def toys(self) -> MakeToySamples:
        return MakeToySamples.req(self, branch=-1)

    def requires(self) -> dict[str, Any]:
        """Return the toys if some of the files are toys; a check makes none."""
        return {"toys": self.toys} if self.has_toys and not self.only_checks else {}

    def fingerprint_spec(self) -> Any:
        return {
            "definitions": {
                name: (
                    definition.source,
                    tuple(map(portable, definition.values)),
                    definition.metadata(),
                    # Only datasets from DAS have an instance of DBS.
                    *((definition.dbs_instance,) if definition.source == "das_names" else ()),
                )
                for name, definition in self.definitions.items()
            },
            "code": code_closure("pocket.datasets.build"),
            **self._own_catalogues(),
            "toys": self.toys.fingerprint if self.has_toys else None,
            **({"limit_files": self.limit_files} if self.limit_files else {}),
        }

    def _own_catalogues(self) -> dict[str, Any]:
        """Return the code of the functions that list files, by their names."""
        found = {}
        for definition in self.definitions.values():
            if function := definition.own_catalogue:
                try:
                    found[function] = code_closure(function)
                except ConfigError as error:
                    raise DatasetError(f"{definition.where}: {error}") from error
        return found

    @property
    def downloads(self) -> Path:
        """Folder of the files from coffea's source distribution."""
        return store_root() / "cache" / "coffea_samples"

    def input_ids(self) -> dict[str, str] | None:
        """Return the files as they are now, by absolute path, since a fileset moves only with the files of the store.

        Servers aren't asked, because they might not answer: a remote file is known by its URL, a pattern or folder by
        itself, and a dataset of a catalogue by its name and the places that its files are read from. When the files are
        read, their UUIDs show whether they are still those of the fileset.
        """
        from pocket.datasets.listing import CATALOGUE_SOURCES, expand

        ids = input_ids(self._toy_files)
        if ids is None:
            return None
        for definition in self.definitions.values():
            if definition.source in ("paths", "globs"):
                values = [value for value in definition.values if not is_remote(value)]
                local = replace(definition, values=tuple(values)) if values else None
                files = expand(local, toy_files={}, cache=self.downloads) if local else []
                ids |= {file.url: _state(Path(file.url)) for file in files[: self.limit_files or None]}
                ids |= {value: "on a server" for value in definition.values if is_remote(value)}
            if definition.own_catalogue:
                ids |= dict.fromkeys(definition.values, f"in a catalogue: {definition.own_catalogue}")
            if definition.source in CATALOGUE_SOURCES:
                places = catalogue_settings().places(definition.source, definition.storage_prefix)
                ids |= dict.fromkeys(definition.values, f"in a catalogue: {places}")
        return ids

    @cached_property
    def _toy_files(self) -> dict[str, StoreTarget]:
        toys = self.toys.branch_outputs.values() if self.has_toys else ()
        return {store_name(target.path): target for target in toys}

    def settled_ids(self) -> dict[str, str]:
        """Return the files as they are now, once none can change within the same step of the file system's times."""
        while True:
            ids = self.input_ids() or {}
            newest = max((_mtime(path) for path in ids), default=0.0)
            age = time.time() - newest
            # Clocks may differ, so a file time in the future is not waited for.
            if not 0 <= age < STEP:
                return ids
            time.sleep(STEP - age)

    def describe_output(self) -> str:
        return counted(len(self.definitions), "dataset")

    def describe_place(self) -> list[tuple[str, str]]:
        return [("fileset", short_path(self.directory / FILESET))]

    def fetch_needed(self) -> None:
        """Fetch the toys, whose events are checked when they are read."""
        fetch(self.needed())

    def make(self) -> None:
        from pocket.datasets.build import build_fileset
        from pocket.datasets.generated import generated_notes
        from pocket.datasets.sections import section_notes

        # Record the state before the files are opened, so that a file that changes meanwhile is opened again.
        before = self.settled_ids()
        with counting_bar("datasets listed", "datasets") as listing, counting_bar("files opened", "files") as opening:
            result = build_fileset(
                self.definitions,
                toy_files=self.toys.files() if self.has_toys else {},
                cache=self.downloads,
                limit_files=self.limit_files,
                skip_bad_files=self.skip_bad_files,
                catalogues=catalogues(),
                progress=opening,
                listing_progress=listing,
            )
        # The content of toys is known from their parameters.
        found = {name for name, definition in self.definitions.items() if definition.source != "toys"}
        for sentence in section_notes({name: part for name, part in result.fileset.items() if name in found}):
            print_note(sentence)
        for sentence in generated_notes(result.fileset):
            print_note(sentence)
        skipped = {file.path: file.reason for file in result.skipped}
        print_left_out(self.progress_label, skipped)
        with write_output(**{**self.write_info(), "inputs": before}, skipped=skipped) as folder:
            write_fileset(result.fileset, folder)

    def complete(self) -> bool:
        if self.only_checks:
            return self._checked
        if self.output().manifest is None:
            # A definition that finds no files is an error before anything runs.
            self.input_ids()
        return super().complete()

    def run(self) -> None:
        if self.only_checks:
            if self.check:
                self.check_files()
            if self.check_duplicates:
                self.check_events()
            self._checked = True
        else:
            super().run()

    def check_files(self) -> None:
        """Compare the existing files with the fileset, and print the differences."""
        from pocket.datasets.build import inspect_listed
        from pocket.datasets.check import check_fileset
        from pocket.datasets.listing import expand_each

        manifest = self._known("--check")
        fresh = catalogues(fresh=True)
        with counting_bar("files checked", "files") as checking:
            findings = check_fileset(
                self.fileset(),
                expand_each(
                    self.definitions,
                    toy_files=self.toys.files() if self.has_toys else {},
                    cache=self.downloads,
                    catalogues=fresh,
                    limit_files=self.limit_files,
                ),
                manifest.info.get("skipped", {}),
                lambda file: inspect_listed(file, fresh),
                progress=checking,
            )
        if findings:
            print_findings(findings)
            kinds = Counter(finding.problem.value for finding in findings)
            numbers = ", ".join(f"{number} {kind}" for kind, number in kinds.items())
            raise DatasetError(f"files of {self.definition} differ from the fileset in {self.directory}: {numbers}")

    def check_events(self) -> None:
        """Look for events of data that appear twice, and print them."""
        from pocket.datasets.duplicates import find_duplicates

        self._known("--check-duplicates")
        with counting_bar("files checked", "files") as checking:
            found = list(find_duplicates(self.fileset(), progress=checking))
        for duplicates in found:
            print(duplicates)
        if found:
            number = sum(duplicates.count for duplicates in found)
            raise DatasetError(f"data of {self.definition} have {number} events twice, the first in {found[0].primary}")

    def _known(self, option: str) -> Manifest:
        """Return the manifest of the fileset to check."""
        manifest = self.output().manifest
        if manifest is None:
            raise DatasetError(
                f"no fileset of {self.definition} to check in {self.directory}: run BuildDatasets without {option}"
            )
        return manifest

    def fileset(self) -> Fileset:
        fetch_verified([self.output()])
        return read_fileset(self.directory)


def write_fileset(fileset: Fileset, folder: Path) -> None:
    """Write a fileset, in which files of the store have names that hold wherever the store is."""
    (folder / FILESET).write_text(json.dumps(_renamed(fileset, store_name), indent=1), encoding="utf-8")


def read_fileset(folder: Path) -> Fileset:
    """Return the fileset in a folder, with paths of files as they are now."""
    return _renamed(json.loads((folder / FILESET).read_text(encoding="utf-8")), store_file)


def _renamed(fileset: Fileset, rename: Callable[[str], str]) -> Fileset:
    return {
        name: {**dataset, "files": {rename(path): info for path, info in dataset["files"].items()}}
        for name, dataset in fileset.items()
    }


def _state(path: Path) -> str:
    """Return a description of a file's state that changes together with its content."""
    try:
        found = path.stat()
    except OSError as error:
        return str(error.strerror)
    return f"{found.st_size} bytes, changed at {found.st_mtime_ns} and {found.st_ctime_ns} ns"


def _mtime(path: str) -> float:
    """Return the time of a file's last change, 0 if it isn't a file on this machine."""
    try:
        found = Path(path).stat()
    except OSError:
        return 0.0
    return max(found.st_mtime, found.st_ctime) if stat.S_ISREG(found.st_mode) else 0.0
