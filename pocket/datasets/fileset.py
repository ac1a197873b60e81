"""Filesets: the files of each dataset, with their entries and UUIDs.

A fileset has coffea's form, so that coffea can read it, too::

    {"DYJetsToLL_2018": {
        "metadata": {"sample": "DYJetsToLL", "year": "2018", "isMC": true, "xsec": 6077.22,
                     "nevents": 40, "size": 352599},
        "files": {"/data/nano_dy.root": {"object_path": "Events", "num_entries": 40, "uuid": "a9490124-…"}}}}

A file may be at several locations. Then its key is the preferred one, and ``"replicas"`` has the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypeAlias, TypedDict

from pocket.errors import ConfigError, DatasetError, UnknownNameError, check_known

TREE = "Events"
#: Run → first and last luminosity section of each range, in the format of certified data.
Sections: TypeAlias = dict[str, list[list[int]]]


class FileInfo(TypedDict):
    """Properties of one file in a fileset."""

    object_path: str
    num_entries: int
    uuid: str
    #: Size in bytes.
    size: NotRequired[int]
    #: Digest of the positions and times of its objects (:func:`pocket.io.nanoaod.ttree.structure`).
    structure: NotRequired[str]
    #: Id of its content, equal for copies (:func:`pocket.datasets.content.content_id`).
    content: NotRequired[str]
    #: Luminosity sections of data (:mod:`pocket.datasets.sections`).
    sections: NotRequired[Sections]
    #: Number of generated events and sum of their weights, if the file has fewer (:mod:`pocket.datasets.generated`).
    generated: NotRequired[list[float]]
    #: Further paths or URLs of the file, in the order of preference.
    replicas: NotRequired[list[str]]


class DatasetInfo(TypedDict):
    """Metadata and files (by path or URL) of one dataset."""

    metadata: dict[str, Any]
    files: dict[str, FileInfo]


Fileset: TypeAlias = dict[str, DatasetInfo]


def select_datasets(
    fileset: Fileset, dataset_filter: Mapping[str, Sequence[str]], names: Mapping[str, Sequence[str]] | None = None
) -> Fileset:
    """Return the datasets that pass PocketCoffea's dataset filter: ``samples``, ``samples_exclude`` and ``year``.

    ``names`` are those of samples that choose a dataset, its own sample by default.
    """
    samples_of = names or {name: (dataset["metadata"]["sample"],) for name, dataset in fileset.items()}
    samples = {sample for of_dataset in samples_of.values() for sample in of_dataset}
    years = {dataset["metadata"]["year"] for dataset in fileset.values()}
    known = {"samples": samples, "samples_exclude": samples, "year": years}
    for key, chosen in dataset_filter.items():
        if key not in known:
            raise UnknownNameError("key", key, known, "the dataset filter")
        if isinstance(chosen, str):
            raise ConfigError(f"{key!r} of the dataset filter is {chosen!r}, expected a list")
        check_known("year" if key == "year" else "sample", chosen, known[key], f"{key!r} of the dataset filter")
    kept_samples, excluded = set(dataset_filter.get("samples", samples)), set(dataset_filter.get("samples_exclude", ()))
    kept_years = dataset_filter.get("year", years)
    selected = {
        name: dataset
        for name, dataset in fileset.items()
        if dataset["metadata"]["year"] in kept_years
        and kept_samples.intersection(samples_of[name])
        and not excluded.intersection(samples_of[name])
    }
    if not selected:
        raise DatasetError(f"the dataset filter {dict(dataset_filter)} leaves no dataset of {', '.join(fileset)}")
    return selected
