"""The datasets of a skim: their fileset, and their definition file for use elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pocket.datasets.definitions import DatasetDefinition
from pocket.datasets.fileset import DatasetInfo, FileInfo, Fileset
from pocket.datasets.skim_sums import BeforeSkim
from pocket.errors import DatasetError
from pocket.io.store.verification import find_output
from pocket.skims.record import SkimRecord


def skim_fileset(original: Mapping[str, DatasetInfo], branches: Iterable[tuple[str, Path, SkimRecord]]) -> Fileset:
    """Return the fileset of a skim, whose metadata have the sums over all events before the skim.

    A dataset that already was a skim keeps the sums of its metadata.
    """
    totals = {name: SkimRecord() for name in original}
    fileset: Fileset = {name: DatasetInfo(metadata={}, files={}) for name in original}
    for name, folder, record in branches:
        total = totals[name]
        total.nevents += record.nevents
        total.sum_genweights += record.sum_genweights
        total.sum_signs += record.sum_signs
        total.size += record.size
        for file, made in record.files.items():
            fileset[name]["files"][str(folder / file)] = _with_content(folder / file, made)
    for name, info in original.items():
        if info["metadata"]["nevents"] and not totals[name].nevents:
            raise DatasetError(f"dataset {name!r}: none of its files could be read, there is nothing to skim")
        fileset[name]["metadata"] = {
            **info["metadata"],
            "isSkim": True,
            **_before(totals[name], info["metadata"]).metadata(),
            "nevents": sum(file["num_entries"] for file in fileset[name]["files"].values()),
            "size": totals[name].size,
        }
    return fileset


def _with_content(path: Path, info: FileInfo) -> FileInfo:
    """Return the entry of a file in a fileset, with the checksum from the manifest of its output."""
    found = find_output(path)
    return {**info, "size": found[2].size, "content": f"sha256:{found[2].sha256}"} if found else info


def _before(total: SkimRecord, metadata: Mapping[str, Any]) -> BeforeSkim:
    earlier = BeforeSkim.of(metadata)
    if earlier is not None and earlier.is_known:
        return earlier
    if not metadata["isMC"]:
        return BeforeSkim(total.nevents)
    # The signs before an earlier skim can't be computed from its surviving events.
    return BeforeSkim(total.nevents, total.sum_genweights, total.sum_signs if earlier is None else None)


def skim_definitions(
    fileset: Mapping[str, DatasetInfo], definitions: Mapping[str, DatasetDefinition]
) -> dict[str, Any]:
    """Return the content of a definition file for the files of a skim (:mod:`pocket.datasets.definition_files`)."""
    content: dict[str, Any] = {}
    for name, info in fileset.items():
        definition = definitions[name]
        metadata = {key: value for key, value in info["metadata"].items() if key not in ("sample", "nevents", "size")}
        sample = definition.dedicated or definition.sample
        if definition.is_built:
            # Its key is the whole name, to which an entry would add part and year once more.
            content[definition.key] = {"metadata": {"sample": sample, **metadata}, "files": list(info["files"])}
            continue
        entries = content.setdefault(definition.key, {"sample": sample, "files": []})["files"]
        entries.append({"paths": list(info["files"]), "metadata": metadata})
    return content
