"""Dataset definitions: JSON files in PocketCoffea's form that list the files of each dataset.

One definition file has, per key, the sample and a list of file entries; each entry becomes one dataset::

    {
      "DATA_SingleMuon": {
        "sample": "DATA_SingleMuon",
        "files": [
          {"globs": ["2018A/*.root"], "metadata": {"year": "2018", "isMC": false, "era": "A"}},
          {"globs": ["2018B/*.root"], "metadata": {"year": "2018", "isMC": false, "era": "B"}}
        ]
      }
    }

An entry names its files by exactly one of these sources:

- ``paths``: files, absolute or relative to the definition file, or ``root://host//dir/file.root``; a URL that doesn't
  end in ``.root`` is a folder, and means all ``.root`` files in it and its subfolders;
  ``?authz=Bearer%20$BEARER_TOKEN`` after a file means the token in the environment variable;
- ``globs``: patterns (``**`` matches folders of any depth), absolute or relative to the definition file, or
  ``root://host//dir/*.root``;
- ``toys``: a process of ``params/toys.yaml``, with the year ``toys`` or one of the ``eras`` there;
- ``coffea_samples``: small real files from coffea's source distribution;
- ``das_names``: datasets of CMS, with an optional ``dbs_instance`` (default: ``prod/global``);
- ``open_data``: records of CERN Open Data, each by its number, its DOI or its title.

A dataset with ``"varies": {"sample": …, "variation": "hdampUp"}`` in its metadata fills that variation of another
sample (:mod:`pocket.datasets.sample_variations`).

A dataset that was skimmed has ``"isSkim": true`` in its metadata, and the sums over all its events before the skim:
``nevents_before_skim``, ``sum_genweights`` and ``sum_signOf_genweights``, by which it is normalised. Without them, the
sum of generator weights is that of ``genWeight * skimRescaleGenWeight`` over the files.

Other metadata are free: cuts, weights and workflows get them unchanged.

A fileset that PocketCoffea built can be read, too. Its files are ``paths``, and its datasets keep their names::

    {
      "DYJetsToLL_2018": {
        "metadata": {"sample": "DYJetsToLL", "year": "2018", "isMC": "True", "xsec": "6077.22", "nevents": "40"},
        "files": ["/data/nano_dy.root"]
      }
    }

Files of ``das_names`` are first searched for at the definition's ``storage_prefix`` followed by their logical name.
PocketCoffea's ``json_output`` may stay in a definition; it has no effect, because filesets are written to the store.
Other keys, such as ``description``, are ignored with a note, unless they look like a misspelt one. A ``sample`` in the
metadata of an entry is that of the entry. Entries of one key that would have the same name are numbered.
"""

from __future__ import annotations

import importlib
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocket.base.file_names import check_file_name
from pocket.datasets.metadata import read_metadata, text
from pocket.datasets.skim_sums import BeforeSkim
from pocket.errors import DatasetError, UnknownNameError
from pocket.io.remote.tokens import holds_token, redacted

if TYPE_CHECKING:
    from pocket.datasets.sample_variations import SampleVariation

#: Instance of DBS whose datasets Rucio knows.
GLOBAL = "prod/global"
INSTANCES = (GLOBAL, "prod/phys01", "prod/phys02", "prod/phys03")

SOURCES = ("paths", "globs", "toys", "coffea_samples", "das_names", "open_data")
_POSITIVE = "expected a positive number of pb"


@dataclass(frozen=True)
class DatasetDefinition:
    """Dataset: the files to look for, and their metadata.

    Args:
        key: name of the definition that the dataset comes from, or of the dataset itself if it is built.
        sample: type of events, shared by the datasets that are added up, e.g. ``"DYJetsToLL"``; of a dataset that
            varies another sample, it becomes that one.
        year: data-taking period, e.g. ``"2018"``; empty if none is known, so that no configuration may use the dataset.
        is_mc: simulation or data.
        source: one of :data:`SOURCES`.
        values: paths, patterns or names for the source.
        origin: the definition file; relative paths begin in its folder.
        xsec: cross section in pb; only for simulation, and None where the toys' parameters give it or no configuration
            may use the dataset.
        era: part of the year, e.g. ``"A"``.
        part: slice of the sample, e.g. ``"M-50"``.
        primary_dataset: primary dataset of the data, e.g. ``"SingleMuon"``.
        before_skim: for a skim, the known sums over the events before it.
        free: other metadata, which have no meaning here.
        is_built: whether it comes from a fileset that PocketCoffea built.
        dbs_instance: the instance of DBS that knows the dataset; only for ``das_names``.
        storage_prefix: prefix of a file's logical name at the user's own storage.
        number: its number among the datasets of the key that would have the same name.
        varies: the variation of another sample that it fills.
        dedicated: the sample that it was given if it varies another one.

    Raises:
        DatasetError: if a value is invalid.
        UnknownNameError: if the source is unknown.
    """

    key: str
    sample: str
    year: str
    is_mc: bool
    source: str
    values: tuple[str, ...]
    origin: Path = field(compare=False)
    xsec: float | None = None
    era: str | None = None
    part: str | None = None
    primary_dataset: str | None = None
    before_skim: BeforeSkim | None = None
    free: Mapping[str, Any] = field(default_factory=dict, hash=False)
    is_built: bool = False
    dbs_instance: str = GLOBAL
    storage_prefix: str = ""
    number: int = 1
    varies: SampleVariation | None = None
    dedicated: str = ""

    def __post_init__(self) -> None:
        if self.varies and not self.dedicated:
            # It is processed as the sample that it varies.
            object.__setattr__(self, "dedicated", self.sample)
            object.__setattr__(self, "sample", self.varies.sample)
        if not re.fullmatch(r"[\w.+-]+", self.name):
            raise DatasetError(f"{self.where}: a dataset name may hold letters, digits and any of '_.+-' only")
        if not re.fullmatch(r"[\w.+-]+", self.sample) or "__" in self.sample:
            raise DatasetError(
                f"{self.where}: sample {self.sample!r} may hold letters, digits and any of '_.+-' only, and no '__', "
                "which separates a sample from its subsamples"
            )
        for kind, name in (("dataset", self.name), ("sample", self.sample)):
            check_file_name(kind, name, self.where, DatasetError)
        if self.source not in SOURCES:
            raise UnknownNameError("file source", self.source, SOURCES, self.where)
        if self.dbs_instance not in INSTANCES:
            raise UnknownNameError("dbs_instance", self.dbs_instance, INSTANCES, self.where)
        if not self.is_mc and self.xsec is not None:
            raise DatasetError(f"{self.where}: metadata give an 'xsec', which data don't have; is 'isMC' right?")
        if self.xsec is not None and not (math.isfinite(self.xsec) and self.xsec >= 0):
            raise DatasetError(f"{self.where}: 'xsec' is {self.xsec}, {_POSITIVE}")

    @property
    def name(self) -> str:
        """Name of the dataset: ``{key}[_{part}]_{year}[_Era{era}][_{number}]``, or ``key`` if it is built."""
        if self.is_built:
            return self.key
        era, number = self.era and f"Era{self.era}", "" if self.number == 1 else str(self.number)
        return "_".join([self.key, *filter(None, [self.part, self.year, era, number])])

    def check_complete(self) -> None:
        """Check that it has a year and files, which only those need that are used.

        Raises:
            DatasetError: if it has none.
        """
        if not self.year:
            raise DatasetError(f"{self.where}: 'year' is '', expected a string")
        if not self.values and not self.has_sums:
            raise DatasetError(f"{self.where}: {self.source!r} is empty")

    def check_xsec(self) -> None:
        """Check that simulation has a cross section, which toys take from their parameters.

        Raises:
            DatasetError: if it has none, or 0, which stands for an unknown one.
        """
        if self.is_mc and self.xsec is None and self.source != "toys":
            raise DatasetError(f"{self.where}: metadata lacks 'xsec' (required for MC)")
        if self.xsec == 0:
            raise DatasetError(f"{self.where}: 'xsec' is 0, {_POSITIVE}")

    @property
    def toys(self) -> tuple[str, ...]:
        """The processes of toys; those of an era begin with its year, as in ``2022_preEE/dy``."""
        return tuple(f"{toys_prefix(self.year)}{process}" for process in self.values)

    @property
    def has_sums(self) -> bool:
        """Whether its metadata have the sums before a skim, so that its files don't decide the normalisation."""
        return self.before_skim is not None and self.before_skim.is_known

    @property
    def where(self) -> str:
        """The dataset and its definition file, for errors."""
        return f"dataset {self.name!r} in {self.origin}"

    def metadata(self) -> dict[str, Any]:
        """Return the metadata of the dataset for a fileset, without those that aren't given."""
        given = {
            "sample": self.sample,
            "year": self.year,
            "isMC": self.is_mc,
            "xsec": self.xsec,
            "era": self.era,
            "part": self.part,
            "primaryDataset": self.primary_dataset,
            "varies": self.varies and self.varies.metadata(),
        }
        skim = {} if self.before_skim is None else {"isSkim": True, **self.before_skim.metadata()}
        return {**self.free, **{key: value for key, value in given.items() if value is not None}, **skim}


def toys_prefix(year: str) -> str:
    """Return what the names of processes of toys begin with: the year of an era, nothing for toys of no era.

    Examples:
        >>> toys_prefix("2022_preEE"), toys_prefix("toys")
        ('2022_preEE/', '')
    """
    return "" if year == "toys" else f"{year}/"


def read_definitions(paths: Iterable[str | Path]) -> dict[str, DatasetDefinition]:
    """Return the datasets in definition files.

    Args:
        paths: the files, in PocketCoffea's form (see the module's description).

    Returns:
        The datasets by name, in the order of the files.

    Raises:
        DatasetError: if a file can't be read, metadata are missing or invalid, or two datasets have the same name.
        UnknownNameError: if there is an unknown key.
    """
    return by_name(read_all_definitions(paths))


def read_all_definitions(paths: Iterable[str | Path]) -> list[DatasetDefinition]:
    """Return the datasets in definition files, several of which may have the same name if they are in several files.

    The arguments and errors are those of :func:`read_definitions`.
    """
    definitions: list[DatasetDefinition] = []
    for path in map(Path, paths):
        content = _object(_load(path), f"{path}")
        if not content:
            raise DatasetError(f"{path} defines no dataset")
        found = [one for key, dataset in content.items() for one in _numbered(_read_dataset(key, dataset, path))]
        by_name(found)
        definitions += found
        _checks().remark_on(content, path, found)
    return definitions


def by_name(definitions: Iterable[DatasetDefinition], keep_last: bool = False) -> dict[str, DatasetDefinition]:
    """Return datasets by name.

    Args:
        definitions: the datasets.
        keep_last: whether a dataset replaces one of the same name in an earlier file, as in PocketCoffea.

    Raises:
        DatasetError: if two have the same name.
    """
    named: dict[str, DatasetDefinition] = {}
    for definition in definitions:
        other = named.get(definition.name)
        if other is not None and not (keep_last and other.origin != definition.origin):
            raise DatasetError(
                f"{definition.where} has the name of the one in {other.origin}; 'part', 'year', 'era' or the "
                "key must differ"
            )
        if other is not None:
            _checks().remark_on_replaced(other, definition)
        named[definition.name] = definition
    return named


def those_of(
    wanted: Mapping[str, DatasetDefinition], files: Iterable[Mapping[str, DatasetDefinition]]
) -> dict[str, DatasetDefinition]:
    """Return the wanted datasets as they were read file by file, of which others may have the same name.

    Args:
        wanted: the datasets of a configuration by name.
        files: the datasets of its definition files by name.
    """
    return {
        name: definition
        for definitions in files
        for name, definition in definitions.items()
        if name in wanted and wanted[name].origin == definition.origin
    }


def _checks() -> Any:
    # The import is by name, because the checks aren't part of the code that an output depends on.
    return importlib.import_module("pocket.datasets.definition_checks")


def _numbered(datasets: Iterable[DatasetDefinition]) -> Iterator[DatasetDefinition]:
    """Number the datasets of a key that have equal names, of which PocketCoffea would keep the last one only."""
    numbers: dict[str, int] = {}
    for dataset in datasets:
        number = numbers[dataset.name] = numbers.get(dataset.name, 0) + 1
        yield replace(dataset, number=number)


def _load(path: Path) -> object:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        # The JSON module would keep the last of two equal keys and lose a dataset.
        content = dict(pairs)
        if len(content) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise DatasetError(f"{path}: key {twice!r} is there twice")
        return content

    try:
        return json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=unique)
    except OSError as error:
        raise DatasetError(f"dataset definition {path} can't be read: {error.strerror}") from error
    except ValueError as error:
        raise DatasetError(f"dataset definition {path} is not JSON: {error}") from error


def _read_dataset(key: str, content: object, origin: Path) -> list[DatasetDefinition]:
    where = f"dataset {key!r} in {origin}"
    dataset = _object(content, where)
    if "metadata" in dataset:
        return [_read_built(key, dataset, origin, where)]
    _checks().check_dataset(dataset, where)
    for required in ("sample", "files"):
        if not dataset.get(required):
            raise DatasetError(f"{where} lacks {required!r}")
    if not isinstance(dataset["files"], list):
        raise DatasetError(f"{where}: 'files' is not a list of entries")
    sample = text(dataset, "sample", where)
    prefix = text(dataset, "storage_prefix", where) if dataset.get("storage_prefix") else ""
    return [
        _read_entry(key, sample, prefix, _object(entry, place), origin, place)
        for number, entry in enumerate(dataset["files"])
        for place in [f"dataset {key!r}, files[{number}] in {origin}"]
    ]


def _read_entry(
    key: str, sample: str, prefix: str, entry: dict[str, Any], origin: Path, where: str
) -> DatasetDefinition:
    _checks().check_entry(entry, where)
    sources = [source for source in SOURCES if source in entry]
    if len(sources) != 1:
        given = " and ".join(map(repr, sources)) or "none"
        raise DatasetError(f"{where} must name its files by exactly one of {', '.join(SOURCES)}; it has {given}")
    if "dbs_instance" in entry and sources != ["das_names"]:
        raise DatasetError(f"{where}: only 'das_names' have a 'dbs_instance'")
    metadata = dict(_object(entry.get("metadata", {}), f"metadata of {where}"))
    if "sample" in metadata:
        sample = text(metadata, "sample", where)
        del metadata["sample"]
    return DatasetDefinition(
        key=key,
        sample=sample,
        source=sources[0],
        values=_strings(entry, sources[0], where),
        origin=origin,
        **read_metadata(metadata, where),
        dbs_instance=text(entry, "dbs_instance", where) if "dbs_instance" in entry else GLOBAL,
        storage_prefix=prefix,
    )


def _read_built(key: str, dataset: dict[str, Any], origin: Path, where: str) -> DatasetDefinition:
    _checks().check_built(dataset, where)
    metadata = dict(_object(dataset["metadata"], f"metadata of {where}"))
    if "sample" not in metadata or "files" not in dataset:
        raise DatasetError(f"{where} lacks {'metadata.sample' if 'files' in dataset else 'files'!r}")
    sample = text(metadata, "sample", where)
    del metadata["sample"]
    return DatasetDefinition(
        key=key,
        sample=sample,
        source="paths",
        values=_strings(dataset, "files", where),
        origin=origin,
        is_built=True,
        **read_metadata(metadata, where),
    )


def _object(content: object, where: str) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise DatasetError(f"{where} is not a JSON object")
    return content


def _strings(content: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    value = content[key]
    strings = value if isinstance(value, list) else [value]
    if key == "open_data":
        # The number of a record may be an integer.
        strings = [str(item) if type(item) is int else item for item in strings]
    if not all(isinstance(item, str) and item for item in strings):
        raise DatasetError(f"{where}: {key!r} is {value!r}, expected a string or a list of strings")
    for url in strings:
        if holds_token(url):
            raise DatasetError(
                f"{where}: {redacted(url)} holds an access token, which would end up in filesets and logs: write "
                "authz=Bearer%20$BEARER_TOKEN for that in the variable BEARER_TOKEN"
            )
    return tuple(strings)
