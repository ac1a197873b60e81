"""Datasets as definition files describe them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocket.base.file_names import check_file_name
from pocket.datasets.skim_sums import BeforeSkim
from pocket.errors import DatasetError, UnknownNameError

if TYPE_CHECKING:
    from pocket.datasets.sample_variations import SampleVariation

#: Instance of DBS whose datasets Rucio knows.
GLOBAL = "prod/global"
INSTANCES = (GLOBAL, "prod/phys01", "prod/phys02", "prod/phys03")

SOURCES = ("paths", "globs", "toys", "coffea_samples", "das_names", "open_data")
_OWN_CATALOGUE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_POSITIVE = "expected a positive number of pb"


@dataclass(frozen=True)
class DatasetDefinition:
    """Dataset: the files to look for, and their metadata.

    Args:
        key: name of the definition that the dataset comes from, or of the dataset itself if it is built.
        sample: type of events, shared by the datasets that are added up, e.g. ``"DYJetsToLL"``; of a dataset that
            varies another sample, it becomes that one.
        year: data-taking period, e.g. ``"2018"``; empty if none is known, so that no configuration may use the dataset.
        source: one of :data:`SOURCES`, for which ``values`` are paths, patterns or names, or the function
            ``module:name`` of a catalogue of one's own, which gets each value.
        origin: the definition file; relative paths begin in its folder.
        xsec: cross section in pb; only for simulation, and None where the toys' parameters give it or no configuration
            may use the dataset.
        part: slice of the sample, e.g. ``"M-50"``.
        before_skim: for a skim, the known sums over the events before it.
        free: other metadata, which have no meaning here.
        is_built: whether it comes from a fileset that PocketCoffea built.
        dbs_instance: the instance of DBS that knows the dataset; only for ``das_names``.
        storage_prefix: prefix of a file's logical name at the user's own storage.
        number: its number among the datasets of the key that would have the same name.
        varies: the variation of another sample that it fills.
        dedicated: the sample that it was given if it varies another one.
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
        if not is_source(self.source):
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

    @property
    def own_catalogue(self) -> str:
        """The function that lists its files, ``module:name``; empty if they are of one of :data:`SOURCES`."""
        return "" if self.source in SOURCES else self.source

    def check_complete(self) -> None:
        """Check that it has a year and files, which only those need that are used."""
        if not self.year:
            raise DatasetError(f"{self.where}: 'year' is '', expected a string")
        if not self.values and not self.has_sums:
            raise DatasetError(f"{self.where}: {self.source!r} is empty")

    def check_xsec(self) -> None:
        """Check that simulation has a cross section, which toys take from their parameters."""
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


def is_source(key: str) -> bool:
    """Return whether a key of an entry of a definition names its files.

    >>> is_source("das_names"), is_source("our_group.catalogue:list_files"), is_source("metadata")
    (True, True, False)
    """
    return key in SOURCES or _OWN_CATALOGUE.fullmatch(key) is not None


def toys_prefix(year: str) -> str:
    """Return what the names of processes of toys begin with: the year of an era, nothing for toys of no era.

    Examples:
        >>> toys_prefix("2022_preEE"), toys_prefix("toys")
        ('2022_preEE/', '')
    """
    return "" if year == "toys" else f"{year}/"
