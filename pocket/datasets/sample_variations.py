"""Variations from dedicated samples: datasets that fill a variation of another sample, such as another hdamp."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pocket.base.sample_blocks import SUBSAMPLE
from pocket.errors import ConfigError, DatasetError, UnknownNameError, check_known
from pocket.histograms.one_sided import check_symmetrise, other_side, stem_of

if TYPE_CHECKING:
    from pocket.datasets.definitions import DatasetDefinition

#: key of the metadata that makes a dataset one of these
VARIES = "varies"
_KEYS = ("sample", "variation", "symmetrise")


@dataclass(frozen=True)
class SampleVariation:
    """What a dataset stands for, instead of being a sample of its own: a variation such as ``"hdampUp"``.

    ``symmetrise`` is the mode of the other side if no dataset fills it (:mod:`pocket.histograms.one_sided`).
    """

    sample: str
    variation: str
    symmetrise: str = ""

    def __post_init__(self) -> None:
        if SUBSAMPLE in self.sample:
            whole = self.sample.partition(SUBSAMPLE)[0]
            raise DatasetError(
                f"{VARIES!r} names the subsample {self.sample!r}: name its sample {whole!r}, whose subsamples are "
                "varied with it"
            )
        try:
            other_side(self.variation)
        except ConfigError as error:
            raise DatasetError(f"{VARIES!r}: {error}") from None
        if not re.fullmatch(r"[\w.+-]+", self.variation) or not stem_of(self.variation):
            raise DatasetError(
                f"{VARIES!r}: variation {self.variation!r} needs a name of letters, digits and any of '_.+-' before "
                "its side"
            )
        check_symmetrise(self.symmetrise, repr(VARIES))

    def metadata(self) -> dict[str, str]:
        """Return the value in the metadata of the dataset."""
        modes = {"symmetrise": self.symmetrise} if self.symmetrise else {}
        return {"sample": self.sample, "variation": self.variation, **modes}


@dataclass(frozen=True)
class DedicatedVariation:
    """Variation of a sample, the datasets that fill it, which are added, and those of the sample that they vary."""

    sample: str
    name: str
    sources: tuple[str, ...]
    targets: tuple[str, ...]


def read_variation(metadata: Mapping[str, Any], is_mc: bool, where: str) -> SampleVariation | None:
    """Return what a dataset varies, ``None`` for usual datasets.

    Examples:
        >>> varies = {"sample": "TTToSemiLeptonic", "variation": "hdampUp"}
        >>> read_variation({"year": "2018", "varies": varies}, True, "datasets.json").variation
        'hdampUp'
    """
    if VARIES not in metadata:
        return None
    value = metadata[VARIES]
    if not isinstance(value, Mapping):
        raise DatasetError(f'{where}: {VARIES!r} is {value!r}, expected {{"sample": …, "variation": …}}')
    check_known("key", value, _KEYS, f"{VARIES!r} of {where}")
    for key in ("sample", "variation"):
        if not isinstance(value.get(key), str) or not value[key]:
            raise DatasetError(f"{where}: {VARIES!r} has {key!r} {value.get(key)!r}, expected a name")
    if not is_mc:
        raise DatasetError(f"{where}: data can't vary sample {value['sample']!r}, only simulation can")
    try:
        return SampleVariation(**{key: str(each) for key, each in value.items()})
    except DatasetError as error:
        raise DatasetError(f"{where}: {error}") from None


def usual_datasets(definitions: Mapping[str, DatasetDefinition]) -> dict[str, DatasetDefinition]:
    """Return the datasets that don't vary another sample."""
    return {name: one for name, one in definitions.items() if one.varies is None}


def varied_datasets(definitions: Mapping[str, DatasetDefinition]) -> dict[str, tuple[str, ...]]:
    """Return dataset that varies a sample → the datasets of that sample whose variation it fills.

    These are those of its year. Where the sample has parts, a dataset fills the variation of the part of its own name;
    if no part has that name, it stands for all of them.
    """
    usual = usual_datasets(definitions)
    found: dict[str, tuple[str, ...]] = {}
    for name, one in definitions.items():
        if one.varies is None:
            continue
        of_sample = {key: each for key, each in usual.items() if each.sample == one.sample}
        if not of_sample:
            known = [each.sample for each in usual.values()]
            raise UnknownNameError("sample", one.sample, known, f"{VARIES!r} of {one.where}")
        of_year = {key: each for key, each in of_sample.items() if each.year == one.year}
        if not of_year:
            years = ", ".join(sorted({each.year for each in of_sample.values()}))
            raise DatasetError(
                f"{one.where} varies sample {one.sample!r} in {one.year}, but the configuration has it in {years} only"
            )
        if not all(each.is_mc for each in of_year.values()):
            raise DatasetError(f"{one.where} varies sample {one.sample!r}, which is data")
        siblings = [each for each in definitions.values() if each.varies and _fills(each) == _fills(one)]
        _check_siblings(one, siblings, {each.part for each in of_year.values() if each.part})
        own_part = [key for key, each in of_year.items() if each.part and each.part == one.part]
        found[name] = tuple(own_part or of_year)
    return found


def dedicated_variations(definitions: Mapping[str, DatasetDefinition]) -> tuple[DedicatedVariation, ...]:
    """Return the variations that datasets fill, in the order of the datasets."""
    groups: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for dataset, targets in varied_datasets(definitions).items():
        groups.setdefault((*_fills(definitions[dataset])[:2], targets), []).append(dataset)
    return tuple(
        DedicatedVariation(sample, name, tuple(sources), targets) for (sample, name, targets), sources in groups.items()
    )


def check_whole(before: Mapping[str, DatasetDefinition], after: Mapping[str, DatasetDefinition], options: str) -> None:
    """Check that a choice among datasets doesn't take a variation apart."""
    for name, targets in varied_datasets(before).items():
        if name not in after:
            continue
        fills = _fills(before[name])
        siblings = [key for key, one in before.items() if one.varies and _fills(one) == fills]
        lacking = [key for key in (*targets, *siblings) if key not in after]
        if lacking:
            raise DatasetError(
                f"dataset {name!r} fills variation {fills[1]!r} of sample {fills[0]!r}, which also needs "
                f"{', '.join(lacking)}: {options} must choose all or none of them"
            )


def names_of(definition: DatasetDefinition) -> tuple[str, ...]:
    """Return the names by which filters choose a dataset: its sample, and its own name if it varies that sample."""
    return tuple(dict.fromkeys((definition.sample, definition.dedicated or definition.sample)))


def _fills(one: DatasetDefinition) -> tuple[str, str, str]:
    return one.sample, one.varies.variation if one.varies else "", one.year


def _own_name(one: DatasetDefinition) -> str:
    return one.key if one.dedicated == one.sample else one.dedicated


def _check_siblings(one: DatasetDefinition, siblings: Iterable[DatasetDefinition], parts: set[str]) -> None:
    """Check the datasets that fill one variation in a year, given the parts of the sample."""
    sample, variation, year = _fills(one)
    for other in siblings:
        if _own_name(other) != _own_name(one):
            raise DatasetError(
                f"{other.where} and {one.where} both fill variation {variation!r} of sample {sample!r} in {year}, but "
                f"are of the samples {_own_name(other)!r} and {_own_name(one)!r}: datasets of one sample are added"
            )
        if parts and (other.part in parts) != (one.part in parts):
            without = other if one.part in parts else one
            raise DatasetError(
                f"{without.where} has part {without.part!r}, but others that fill variation {variation!r} have parts "
                f"of sample {sample!r}: {', '.join(sorted(parts))}"
            )
