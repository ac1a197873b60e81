"""Which columns a configuration exports for a sample in a category."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pocket.base.sample_blocks import Block
from pocket.columns.config import ColOut
from pocket.errors import ConfigError

#: sample, or ``{sample}__{subsample}`` → category → columns
ColumnPlan = dict[str, dict[str, tuple[ColOut, ...]]]


def build_column_plan(
    block: Mapping[str, Any], categories: Sequence[str], samples: Iterable[str], dropped: Iterable[str] = ()
) -> ColumnPlan:
    """Resolve the block ``columns`` of a configuration (:mod:`pocket.base.sample_blocks`).

    Args:
        block: block of :class:`~pocket.columns.config.ColOut`.
        categories: names of the categories.
        samples: names of the samples and of their subsamples.
        dropped: other samples and subsamples that may be named.

    Raises:
        UnknownNameError: for an unknown key, category or sample.
        ConfigError: if an entry is no ``ColOut``, or two of a category declare one column in different ways.
    """
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
