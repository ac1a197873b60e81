"""Writer of trees with NanoAOD's types of counters, and of files without times, neither of which uproot can do."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Collection, Iterator, Mapping
from contextvars import ContextVar
from typing import Any

import numpy as np
import uproot

#: Placeholder of all times in a file: the earliest that ROOT can write.
_NO_TIME = datetime.datetime(1995, 1, 1)
_without_times: ContextVar[bool] = ContextVar("without_times", default=False)
_to_code = uproot._util.datetime_to_code


def _time_code(time: datetime.datetime) -> int:
    code: int = _to_code(_NO_TIME if _without_times.get() else time)
    return code


uproot._util.datetime_to_code = _time_code


@contextlib.contextmanager
def without_times() -> Iterator[None]:
    """Write ROOT files without times, so that the same content and UUID give the same bytes."""
    # Each key and directory of a file has the time of its writing, which is always the current one in uproot.
    token = _without_times.set(True)
    try:
        yield
    finally:
        _without_times.reset(token)


def make_tree(
    file: Any,
    name: str,
    types: Mapping[str, Any],
    n_baskets: int,
    unsigned: Collection[str] | None = None,
    **options: Any,
) -> Any:
    """Return a new tree with uint32 counters, all or some, as NanoAODv9 has them; uproot only writes int32."""
    # The header is written once, since its time grows with the square of the number of branches: five seconds for
    # 1,200.
    directory = file._cascading

    def add_tree(sink: Any, name: str, title: str, types: Any, *rest: Any) -> Any:
        tree = uproot.writing._cascadetree.Tree(directory, name, title, types, directory._freesegments, *rest)
        for branch in tree._branch_data:
            if branch["kind"] == "counter" and (unsigned is None or branch["fName"] in unsigned):
                branch["dtype"] = np.dtype(">u4")
                branch["fTitle"] = f"{branch['fName']}/i"
        tree.write_anew(sink)
        return tree

    # This replaces uproot's own function, which writes the header at once.
    directory.add_tree = add_tree
    try:
        # Before the last place for a basket is used, uproot makes room for more and writes the header again.
        return file.mktree(name, types, name, initial_basket_capacity=n_baskets + 1, **options)
    finally:
        del directory.add_tree
