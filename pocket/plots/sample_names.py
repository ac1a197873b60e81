"""Check of the sample names in a plot style, which may be shared and name samples that an analysis doesn't have."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from pocket.base.runtime.remarks import remark, some_of
from pocket.datasets.definition_files import read_all_definitions
from pocket.errors import nearest
from pocket.parameters.defaults import get_default_parameters
from pocket.parameters.plain import plain_section
from pocket.parameters.shipped import find_file
from pocket.plan.figures import FigurePlan
from pocket.plots.style import PlotStyle

#: similarity from which an unknown name counts as a misspelling of a sample
_MISSPELT = 0.8
_DIGITS = re.compile(r"\d+")
#: options whose names may be those of groups, too
_OF_SAMPLES = (
    "labels_mc",
    "colors_mc",
    "order_mc",
    "only_samples",
    "exclude_samples",
    "rescale_samples",
    "signal_samples",
)


def remark_unknown_samples(plan: FigurePlan, samples: Sequence[str], files: Collection[str]) -> None:
    """Remark on names in a style that are nearly those of samples, and on groups that have no sample.

    The ``samples`` are those of all configurations that share the style, and the ``files`` define their datasets.
    Any other unknown name is accepted, because a style may be that of several analyses. So is one whose nearest sample
    has an entry of its own in the same option.
    """
    style = PlotStyle.from_parameters(plan.style)
    groups = style.samples_groups
    valid = [*samples, *groups]
    entries = {option: getattr(style, option) for option in _OF_SAMPLES}
    found: list[tuple[str, str, str]] = []
    # The shipped style takes long to read, and no name may be unknown.
    if any(name not in valid for names in entries.values() for name in names):
        shipped = PlotStyle.from_parameters(plain_section(get_default_parameters(), "plotting_style"))
        own = {option: _own_names(names, getattr(shipped, option)) for option, names in entries.items()}
        found = [(option, *each) for option, names in own.items() for each in _misspelt(names, valid, names)]
    members = [sample for group in groups.values() for sample in group]
    for group, names in groups.items():
        misspelt = [(f"samples_groups.{group}", *each) for each in _misspelt(names, samples, members)]
        found += misspelt
        if not misspelt and not set(names) & set(samples):
            remark(
                f"plotting_style.samples_groups.{group} isn't drawn: none of {some_of(list(names)) or 'nothing'} is a "
                f"sample of the analysis, which has {some_of(samples)}"
            )
    # All samples of the files, whatever the filters leave of them.
    excluded = {each.sample for each in read_all_definitions(map(find_file, files))} if found else ()
    for name, meant in dict.fromkeys((name, meant) for _, name, meant in found if name not in excluded):
        options = ", ".join(option for option, *each in found if each == [name, meant])
        remark(f"there is no sample {name!r} for plotting_style ({options}), did you mean {meant!r}?")


def _own_names(entries: Any, shipped: Any) -> list[str]:
    """Return the names in an option, except for entries that are those of the shipped style."""
    if isinstance(entries, Mapping):
        return [name for name, value in entries.items() if name not in shipped or shipped[name] != value]
    return list(entries)


def _misspelt(names: Iterable[str], valid: Sequence[str], named: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield the names that nearly equal a valid one, with that; none means one that the option has (``named``)."""
    free = [name for name in valid if name not in named]
    for name in names:
        if name not in valid:
            others = [each for each in free if not _are_of_one_family(name, each)]
            yield from ((name, meant) for meant in nearest(name, others, 1, _MISSPELT))


def _are_of_one_family(name: str, other: str) -> bool:
    """Tell whether two samples differ in numbers alone, as HT-100 and HT-200, or one is a part of the other."""
    is_part = name.startswith(f"{other}_") or other.startswith(f"{name}_")
    return is_part or _DIGITS.sub("", name) == _DIGITS.sub("", other)
