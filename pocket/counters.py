"""Counters of jagged branches with NanoAOD's type, which uproot can't write by itself."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np


def declare_unsigned_counters(tree: Any, names: Collection[str] | None = None) -> None:
    """Make counters uint32, as NanoAODv9 has them; uproot knows only int32.

    The tree's header is written again when the first basket exceeds the initial capacity, and has the new type then.

    Args:
        tree: a tree without entries, made with ``initial_basket_capacity=1``.
        names: the counters, ``None`` for all.
    """
    for branch in tree._cascading._branch_data:
        if branch["kind"] == "counter" and (names is None or branch["fName"] in names):
            branch["dtype"] = np.dtype(">u4")
            branch["fTitle"] = f"{branch['fName']}/i"
