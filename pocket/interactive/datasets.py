"""Datasets that are given by their files, with the metadata that a configuration knows."""

from __future__ import annotations

import copy
import glob
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from pocket.configuration.configurator import Configurator
from pocket.datasets.definitions import DatasetDefinition
from pocket.datasets.fileset import TREE, FileInfo, Fileset
from pocket.datasets.metadata import check_spelling, read_metadata
from pocket.datasets.sample_variations import check_whole, varied_datasets
from pocket.datasets.skim_sums import BeforeSkim
from pocket.errors import ConfigError, DatasetError, UnknownNameError, check_known
from pocket.io.nanoaod.ttree import read_tree
from pocket.io.remote.client import is_remote, open_root
from pocket.io.remote.tokens import holds_token, redacted
from pocket.parameters.plain import to_plain
from pocket.toys.config import ToyConfig

#: path or URL of a file
PathLike: TypeAlias = str | os.PathLike[str]
#: files of a dataset, or its entry of a fileset: ``{"files": …, "metadata": …}``
Files: TypeAlias = PathLike | Sequence[PathLike] | Mapping[str, Any]

#: the argument in error messages
_WHERE = Path("files")


def define_datasets(cfg: Configurator, files: Mapping[str, Files]) -> dict[str, DatasetDefinition]:
    """Return the datasets that are given by their files (:func:`pocket.process`), in the order of the configuration."""
    if not isinstance(files, Mapping) or not files:
        raise ConfigError(f"files is {files!r}, expected dataset → files")
    known = [name for name in cfg.definitions if name in files]
    order = [*known, *(name for name in files if name not in known)]
    definitions = {name: _define(cfg, name, files[name]) for name in order}
    check_whole(cfg.definitions, definitions, "files")
    varied_datasets(definitions)
    return definitions


def with_datasets(cfg: Configurator, definitions: Mapping[str, DatasetDefinition]) -> Configurator:
    """Return a configuration for other datasets of its samples."""
    part = copy.copy(cfg)
    part.definitions = dict(definitions)
    part.subsamples = {sample: cuts for sample, cuts in cfg.subsamples.items() if sample in part.samples}
    return part


def first_events(fileset: Fileset, max_events: int | None) -> Fileset:
    """Return a fileset with at most a number of events per dataset, from its first files."""
    if max_events is None:
        return fileset
    if max_events < 1:
        raise ConfigError(f"max_events is {max_events}, expected at least 1")
    shortened: Fileset = {}
    for name, dataset in fileset.items():
        before = BeforeSkim.of(dataset["metadata"])
        if before and before.is_known and dataset["metadata"]["nevents"] > max_events:
            raise DatasetError(
                f"max_events can't leave out events of dataset {name!r}: it is a skim that its metadata normalise"
            )
        left = max_events
        kept: dict[str, FileInfo] = {}
        for path, info in dataset["files"].items():
            if left:
                kept[path] = {**info, "num_entries": min(left, info["num_entries"])}
                left -= kept[path]["num_entries"]
        metadata = {**dataset["metadata"], "nevents": sum(info["num_entries"] for info in kept.values())}
        shortened[name] = {"metadata": metadata, "files": kept}
    return shortened


def simulated_data(fileset: Fileset, definitions: Mapping[str, DatasetDefinition]) -> Iterator[str]:
    """Yield the datasets of data whose first file has generator weights, as simulation has."""
    for name, dataset in fileset.items():
        if definitions[name].is_mc or not dataset["files"]:
            continue
        with open_root(next(iter(dataset["files"]))) as file:
            _, branches = read_tree(file, TREE) or (None, {})
        if "genWeight" in branches:
            yield name


def _define(cfg: Configurator, name: str, files: Files) -> DatasetDefinition:
    where = f"dataset {name!r} in {_WHERE}"
    paths, metadata = _read_entry(files, where)
    values = tuple(_absolute(path, where) for path in paths)
    known = cfg.definitions.get(name)
    if known is not None and not metadata:
        same = replace(known, source="paths", values=values, xsec=_cross_section(cfg, known))
        same.check_complete()
        return same
    if known is None and not metadata:
        raise UnknownNameError("dataset", name, cfg.definitions, f"{_WHERE} without metadata")
    before = {} if known is None else replace(known, xsec=_cross_section(cfg, known)).metadata()
    check_spelling(metadata, f"metadata of {where}")
    given = {**before, **({"sample": known.dedicated} if known and known.dedicated else {}), **metadata}
    sample = given.pop("sample", None)
    if sample is None:
        raise DatasetError(f"{where}: metadata lacks 'sample'; samples of the configuration: {', '.join(cfg.samples)}")
    definition = DatasetDefinition(
        key=name,
        sample=str(sample),
        source="paths",
        values=values,
        origin=_WHERE,
        is_built=True,
        **read_metadata(given, f"metadata of {where}"),
    )
    check_known("sample", [definition.sample], cfg.samples, f"metadata of {where}")
    definition.check_complete()
    definition.check_xsec()
    if definition.is_mc != cfg.samples[definition.sample]:
        kind = "simulation" if cfg.samples[definition.sample] else "data"
        raise DatasetError(f"{where}: sample {sample!r} of the configuration is {kind}, so 'isMC' is wrong")
    return definition


def _cross_section(cfg: Configurator, definition: DatasetDefinition) -> float | None:
    """Return the cross section of a dataset, that of toys from their parameters."""
    if definition.source != "toys" or not definition.is_mc or definition.xsec is not None:
        return definition.xsec
    toys = ToyConfig.from_params(to_plain(cfg.parameters)["toys"], definition.year)
    return sum(toys.process(process).xsec for process in definition.values)


def _read_entry(files: Files, where: str) -> tuple[list[PathLike], dict[str, Any]]:
    """Return the paths and the metadata that are given for a dataset."""
    if not isinstance(files, Mapping):
        return [files] if isinstance(files, str | os.PathLike) else list(files), {}
    check_known("key", files, ("files", "metadata"), where)
    if "files" not in files:
        raise DatasetError(f"{where} lacks 'files'")
    paths = files["files"]
    if isinstance(paths, Mapping):
        for info in paths.values():
            properties = info if isinstance(info, Mapping) else {"object_path": TREE if info is None else info}
            check_known("key", properties, FileInfo.__annotations__, f"files of {where}")
            check_known("tree", [properties.get("object_path", TREE)], [TREE], f"files of {where}")
    return [paths] if isinstance(paths, str | os.PathLike) else list(paths), dict(files.get("metadata", {}))


def _absolute(path: PathLike, where: str) -> str:
    text = os.fspath(path)
    if holds_token(text):
        # The configuration that is written with an output names the files.
        raise DatasetError(
            f"{where}: {redacted(text)} holds an access token: write authz=Bearer%20$BEARER_TOKEN for that in the "
            "variable BEARER_TOKEN"
        )
    if text.startswith("file:"):
        raise DatasetError(f"{where}: {text} is the URL of a local file: give its path")
    if is_remote(text):
        return text
    local = Path(text).expanduser().absolute()
    if local.is_dir():
        raise DatasetError(f"{where}: {text} is a folder: give the files in it")
    if not local.exists():
        file, _, tree = text.rpartition(":")
        if Path(file).expanduser().is_file():
            raise DatasetError(f"{where}: {text} doesn't exist, {file} does: leave out ':{tree}'")
        if glob.has_magic(text):
            raise DatasetError(f"{where}: {text} doesn't exist, and patterns aren't expanded: give glob.glob({text!r})")
    return str(local)
