"""Names of awkward 1, with which PocketCoffea runs, on arrays of awkward 2."""

from __future__ import annotations

from operator import itemgetter

import awkward as ak

#: Attribute of a tuple, such as those of ``ak.argcombinations`` → its field.
SLOTS = {f"slot{number}": str(number) for number in range(10)}


def add_names() -> None:
    """Let the fields of tuples be attributes, where awkward has none of these names.

    Examples:
        >>> import awkward as ak
        >>> add_names()
        >>> ak.argcombinations(ak.Array([[5, 6, 7]]), 2).slot1.to_list()
        [[1, 2, 2]]
    """
    for kind in (ak.Array, ak.Record):
        for slot, field in SLOTS.items():
            if not hasattr(kind, slot):
                setattr(kind, slot, property(itemgetter(field)))
