"""Categorisations, which divide events or their objects into categories by cuts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pocket.base.arguments import Declarative
from pocket.base.file_names import check_file_name
from pocket.cuts.cut import Cut
from pocket.errors import ConfigError

#: Keys of the cutflow that aren't categories.
RESERVED = frozenset({"initial", "skim", "presel"})


def check_cuts(cuts: object, where: str) -> tuple[Cut, ...]:
    """Return the cuts as a tuple."""
    if isinstance(cuts, Cut) or not isinstance(cuts, Sequence):
        raise ConfigError(f"{where} must be a list of cuts, not {cuts!r}")
    for position, cut in enumerate(cuts):
        if not isinstance(cut, Cut):
            name = getattr(cut, "__name__", "it")
            ways = f": call {name}(…) if it makes one, or give it to Cut(name=…, params={{}}, function={name})"
            raise ConfigError(f"{where}[{position}] must be a Cut, not {cut!r}{ways if callable(cut) else ''}")
    return tuple(cuts)


def check_event_cuts(cuts: object, where: str) -> tuple[Cut, ...]:
    """Return the cuts as a tuple, if all of them select events."""
    checked = check_cuts(cuts, where)
    for cut in checked:
        if cut.per_object:
            raise ConfigError(
                f"{where}: cut {cut.name!r} selects objects of {cut.collection!r}; only categories and subsamples may"
            )
    return checked


@dataclass(frozen=True)
class StandardSelection(metaclass=Declarative):
    """Categories, each the logical AND of its cuts; an event may be in several.

    A category with a cut on a collection contains objects instead of events.

    Args:
        categories: category name → list of cuts.

    Raises:
        ConfigError: if there is no category, a name is reserved, an entry isn't a cut, or cuts select objects of
            different collections.

    Examples:
        >>> from pocket.cuts import get_nObj_min, passthrough
        >>> selection = StandardSelection({"all": [passthrough], "two_muons": [get_nObj_min(2, coll="MuonGood")]})
        >>> selection.names
        ('all', 'two_muons')
    """

    categories: Mapping[str, Sequence[Cut]]

    def __post_init__(self) -> None:
        if not self.categories:
            raise ConfigError("categories: at least one is needed, e.g. {'baseline': [passthrough]}")
        for name, cuts in self.categories.items():
            check_file_name("category", name, "categories")
            if name in RESERVED:
                raise ConfigError(f"categories: {name!r} can't be a category's name, it is a step of the cutflow")
            check_cuts(cuts, f"categories.{name}")
        used = dict.fromkeys(cut.collection for cuts in self.categories.values() for cut in cuts if cut.per_object)
        if len(used) > 1:
            raise ConfigError(
                f"categories: cuts select objects of {' and '.join(map(repr, used))}, one selection may use only one "
                "collection"
            )

    def __iter__(self) -> Iterator[str]:
        return iter(self.categories)

    def __len__(self) -> int:
        return len(self.categories)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the categories, in order."""
        return tuple(self.categories)

    @property
    def collection(self) -> str | None:
        """The collection whose objects are selected, ``None`` if all cuts select events."""
        return next((cut.collection for cuts in self.categories.values() for cut in cuts if cut.per_object), None)


@dataclass(frozen=True)
class MultiCut(metaclass=Declarative):
    """Binning of a :class:`CartesianSelection`: a list of cuts, one per bin.

    Args:
        name: name of the binning.
        cuts: one cut per bin; they may overlap.
        cuts_names: names of the bins; by default the names of the cuts.

    Raises:
        ConfigError: if there is no cut, or names are missing or duplicated.

    Examples:
        >>> from pocket.cuts import get_nObj_eq, get_nObj_min
        >>> jets = MultiCut("jets", cuts=[get_nObj_eq(2), get_nObj_min(3)], cuts_names=["2j", "3j"])
        >>> jets.cuts_names
        ('2j', '3j')
    """

    name: str
    cuts: Sequence[Cut]
    cuts_names: Sequence[str] = ()

    def __post_init__(self) -> None:
        where = f"MultiCut {self.name!r}"
        object.__setattr__(self, "cuts", check_cuts(self.cuts, where))
        object.__setattr__(self, "cuts_names", tuple(self.cuts_names or (cut.name for cut in self.cuts)))
        if not self.cuts:
            raise ConfigError(f"{where} needs at least one cut")
        if len(self.cuts) != len(self.cuts_names):
            raise ConfigError(f"{where}: {len(self.cuts_names)} cuts_names for {len(self.cuts)} cuts, give one each")
        if len(set(self.cuts_names)) < len(self.cuts_names):
            raise ConfigError(f"{where}: two of its bins have one name: {', '.join(self.cuts_names)}")


@dataclass(frozen=True)
class CartesianSelection(StandardSelection):
    """Categories for all combinations of the bins of several binnings, and common categories.

    The common categories come first, followed by ``{bin of the first binning}_{bin of the second}_…``, where the last
    binning varies fastest.

    Args:
        multicuts: the binnings.
        common_cats: categories besides the combinations.

    Raises:
        ConfigError: if there is no binning, or two categories have the same name.

    Examples:
        >>> from pocket.cuts import get_nBtagEq, get_nBtagMin, get_nObj_eq, get_nObj_min
        >>> jets = MultiCut("jets", cuts=[get_nObj_eq(2), get_nObj_min(3)], cuts_names=["2j", "3j"])
        >>> tags = MultiCut("tags", cuts=[get_nBtagEq(1), get_nBtagMin(2)], cuts_names=["1b", "2b"])
        >>> CartesianSelection(multicuts=[jets, tags]).names
        ('2j_1b', '2j_2b', '3j_1b', '3j_2b')
    """

    categories: Mapping[str, Sequence[Cut]] = field(init=False)
    multicuts: Sequence[MultiCut]
    common_cats: StandardSelection | Mapping[str, Sequence[Cut]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.multicuts or not all(isinstance(multicut, MultiCut) for multicut in self.multicuts):
            raise ConfigError(f"CartesianSelection: multicuts must be a list of MultiCut, not {self.multicuts!r}")
        common = self.common_cats
        categories = dict(common.categories if isinstance(common, StandardSelection) else common)
        bins = [zip(multicut.cuts_names, multicut.cuts, strict=True) for multicut in self.multicuts]
        for combination in itertools.product(*bins):
            name = "_".join(bin_name for bin_name, _ in combination)
            if name in categories:
                raise ConfigError(f"CartesianSelection: two categories are named {name!r}, rename bins by cuts_names=")
            categories[name] = tuple(cut for _, cut in combination)
        object.__setattr__(self, "categories", categories)
        super().__post_init__()
