"""Declaration of the exported columns, and their assignment to samples and categories."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pocket.base.arguments import Declarative
from pocket.base.sample_blocks import Block
from pocket.errors import ConfigError

#: Columns of every export, which identify an event.
EVENT_IDS = ("run", "luminosityBlock", "event")
#: Nominal weight of an event; its variations are ``weight_variation_{name}``.
WEIGHT = "weight"
WEIGHT_VARIATION = "weight_variation_"


@dataclass(frozen=True)
class ColOut(metaclass=Declarative):
    """Columns of one collection.

    A column is called ``{collection}_{column}``.

    Args:
        collection: a collection, or ``"events"``.
        columns: fields of the collection.
        flatten: how the export in PocketCoffea's layout writes a collection with several objects per event: as one flat
            array, or as one list per event. Parquet always has one row per event, with a list in it.
        store_size: add ``{collection}_N``, the number of exported objects per event, for such collections.
        fill_none: replace missing values; without it they stay missing.
        fill_value: replacement of missing values.
        pos_start: first position in the collection that is exported.
        pos_end: one past the last position.
        depends_on: collections that the columns depend on; shape variations that change none of them don't export the
            columns. ``()`` if no variation changes the columns, ``None`` to export them for each.

    Raises:
        ConfigError: if there is no column, or the positions are invalid.

    Examples:
        >>> ColOut("MuonGood", ["pt", "eta"], pos_end=1).columns
        ('pt', 'eta')
    """

    collection: str
    columns: Sequence[str]
    flatten: bool = True
    store_size: bool = True
    fill_none: bool = True
    fill_value: float = -999.0
    pos_start: int | None = None
    pos_end: int | None = None
    depends_on: Sequence[str] | None = None

    def __post_init__(self) -> None:
        where = f"ColOut of {self.collection!r}"
        for option in ("columns", "depends_on"):
            names = getattr(self, option)
            if isinstance(names, str):
                raise ConfigError(f"{where}: {option} must be a list of names, not {names!r}")
            object.__setattr__(self, option, None if names is None else tuple(names))
        if not self.collection or not self.columns:
            raise ConfigError(f"{where}: a collection and at least one column are needed")
        if repeated := sorted({name for name in self.columns if self.columns.count(name) > 1}):
            raise ConfigError(f"{where}: columns has {', '.join(repeated)} more than once")
        start = 0 if self.pos_start is None else self.pos_start
        if start < 0 or (self.pos_end is not None and self.pos_end <= start):
            raise ConfigError(f"{where}: needs 0 <= pos_start < pos_end, not {self.pos_start} and {self.pos_end}")
        if self.collection == "events" and self.has_positions:
            raise ConfigError(f"{where}: events have no positions, leave out pos_start and pos_end")

    @property
    def has_positions(self) -> bool:
        """Whether only some positions of the collection are exported."""
        return self.pos_start is not None or self.pos_end is not None

    def is_written(self, changed: frozenset[str] | None) -> bool:
        """Tell whether the columns are written.

        Args:
            changed: collections that a shape variation changes; ``None`` for nominal.
        """
        return changed is None or self.depends_on is None or not changed.isdisjoint(self.depends_on)


#: Sample, or ``{sample}__{subsample}`` → category → columns.
ColumnPlan = dict[str, dict[str, tuple[ColOut, ...]]]


def build_column_plan(
    block: Mapping[str, Any], categories: Sequence[str], samples: Iterable[str], dropped: Iterable[str] = ()
) -> ColumnPlan:
    """Return the columns of each sample and category, from the block ``columns`` (:mod:`pocket.base.sample_blocks`)."""
    samples = tuple(samples)

    def resolve(entry: Any, where: str) -> ColOut:
        if not isinstance(entry, ColOut):
            raise ConfigError(f"{where} must be a list of ColOut, not {entry!r}")
        return entry

    columns = Block(block, "columns", resolve, categories, (*samples, *dropped))
    plan: ColumnPlan = {}
    for sample in samples:
        plan[sample] = {category: tuple(dict.fromkeys(columns.of(sample, category))) for category in categories}
        for category, outputs in plan[sample].items():
            _check_names(outputs, f"columns of {sample!r} in category {category!r}")
    return plan


def _check_names(outputs: Sequence[ColOut], where: str) -> None:
    declared: dict[str, object] = {}
    for out in outputs:
        entries: list[tuple[str, object]] = [
            (name, replace(out, columns=[name], store_size=True)) for name in out.columns
        ]
        if out.store_size:
            entries.append(("N", (out.pos_start, out.pos_end)))
        for name, options in entries:
            if declared.setdefault(f"{out.collection}_{name}", options) != options:
                raise ConfigError(f"{where}: '{out.collection}_{name}' is declared twice, with different options")
