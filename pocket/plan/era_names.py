"""Names of variations across eras: a source that eras don't share has the era in it, e.g. ``sf_btag_hfstats1_2018``.

Names stay as weights and calibrators give them, unless ``variations`` of a configuration has ``"correlated"``. That is
a table by weight, calibrator or source: ``True`` for one nuisance parameter in all eras, ``False`` for one per era, or
era → name for one per group of eras. Sources that it doesn't name follow ``correlated`` of their class. Branches don't
depend on it: variations are renamed when outputs are merged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from pocket.errors import ConfigError
from pocket.histograms.one_sided import NOMINAL, stem_of

#: whether eras share a source, or era → name of the group that shares it
Correlated = bool | Mapping[str, str]
#: whether eras share the sources of a class, also by patterns of their names
OfClass = bool | Mapping[str, bool]


@dataclass(frozen=True, eq=False)
class EraNames:
    """The stored names of the variations of all datasets.

    Args:
        correlated: source, pattern of sources, weight or calibrator → whether eras share it; ``None`` if all keep
            their names.
        years: dataset → its year.
        by_dataset: dataset → source without side → its stored name.
        late: dataset → calibrator that knows the names of its variations only once there are events → its rule.
    """

    correlated: Mapping[str, Correlated] | None
    years: Mapping[str, str]
    by_dataset: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    late: Mapping[str, Mapping[str, OfClass]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Tell whether any variation may have another name than its weight or calibrator gives it."""
        return self.correlated is not None

    def stored(self, dataset: str, variation: str) -> str:
        """Return the name of a variation in the templates of a dataset, given the one of the weight or calibrator."""
        if self.correlated is None or variation == NOMINAL or dataset not in self.by_dataset:
            return variation
        stem = stem_of(variation)
        late = self.late.get(dataset, {})
        owner = next(filter(stem.startswith, late), next(iter(late), ""))
        name = self.by_dataset[dataset].get(stem) or self.of_source(dataset, stem, owner, late.get(owner))
        return f"{name}{variation.removeprefix(stem)}"

    def renamed(self, dataset: str, variations: Iterable[str]) -> dict[str, str]:
        """Return variation of a weight or calibrator → its name in the templates of a dataset, see :meth:`stored`."""
        found = {variation: self.stored(dataset, variation) for variation in variations}
        refuse_twice(dataset, found)
        return found

    def of_source(self, dataset: str, stem: str, owner: str = "", of_class: OfClass | None = None) -> str:
        """Return the stored name of a source, given without side, of a weight or calibrator with a rule."""
        decided = _entry(self.correlated or {}, [stem], owner)
        if decided is None:
            names = [stem, stem.removeprefix(f"{owner}_")]
            decided = _entry(of_class, names, owner) if isinstance(of_class, Mapping) else of_class
        year = self.years[dataset]
        if isinstance(decided, Mapping):
            if year not in decided:
                raise ConfigError(
                    f"variations.correlated of {stem!r} has the eras {', '.join(decided)}, but not {year}, that of "
                    f"dataset {dataset!r}"
                )
            return f"{stem}_{decided[year]}" if decided[year] else stem
        return stem if decided in (None, True) or has_era(stem, year) else f"{stem}_{year}"


def has_era(source: str, year: str) -> bool:
    """Tell whether the name of a source has an era already, as those of regrouped uncertainties of jets."""
    number = re.match(r"\d{4}", year)
    if number is None:
        return source.endswith(f"_{year}")
    return any(part.startswith(number.group()) for part in source.split("_"))


def refuse_twice(dataset: str, names: Mapping[str, str]) -> None:
    """Check that each source, or variation, of a dataset has a stored name of its own."""
    stored: dict[str, str] = {}
    for given, name in names.items():
        if (other := stored.setdefault(name, given)) != given:
            raise ConfigError(
                f"dataset {dataset!r}: the variations {other!r} and {given!r} would both be stored as {name!r}"
            )


def _entry(table: Mapping[str, Correlated], names: Sequence[str], owner: str) -> Correlated | None:
    """Return the entry of a source: that of one of its names, of a pattern, or else of its weight or calibrator."""
    for name in names:
        if name in table:
            return table[name]
    for pattern, value in table.items():
        if pattern != owner and any(fnmatchcase(name, pattern) for name in names):
            return value
    return table.get(owner)
