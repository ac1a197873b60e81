"""Options that restrict a run to a part of its datasets, as PocketCoffea has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pocket.datasets.restriction import CHUNK, Restriction
from tasks.settings.options import OptionGroup, dial, option

#: title of the options that tasks pass on to those that they require
CHAIN = "options of the chain, passed on to all required tasks"
#: files and chunks of each dataset that ``--test`` reads, those of PocketCoffea's ``--test``
TEST = {"limit_files": 2, "limit_chunks": 2}
#: options each of which restricts a run
_PARTS = ("filter_samples", "filter_years", "filter_datasets", "limit_files", "limit_chunks")
#: default of ``--chunk-size``
CHUNK_SIZE = 400_000


def _check(task: Any, params: dict[str, Any]) -> dict[str, Any]:
    """Fill in the limits of ``--test``."""
    if params.get("test"):
        given = {name: params[name] or number for name, number in TEST.items() if name in params}
        params = {**params, **given, "test": False}
    return params


#: options for a run over a part of the datasets; its outputs are never taken for those of whole ones
RESTRICTION = OptionGroup(
    CHAIN,
    {
        "filter_samples": option("samples to read, e.g. A,B", (), "all"),
        "filter_years": option("years to read, e.g. 2017,2018", (), "all"),
        "filter_datasets": option("datasets to read, e.g. A_2018", (), "all"),
        "limit_files": option("files to read of each dataset, 0 for all", 0, least=0),
        "limit_chunks": option(
            "chunks to read of each dataset, of 150000 or --chunk-size events, 0 for all", 0, least=0
        ),
        "test": dial("read {limit_files} files and {limit_chunks} chunks of each dataset".format(**TEST), False),
    },
    heading="A part of the datasets",
    check=_check,
    explained=("filter_samples", "filter_years", "filter_datasets", "limit_files", "test"),
    help="experts",
)


class Unrestricted:
    """Takes these options away from a task that looks at all of what it is given; comes first among the bases."""

    filter_samples = filter_years = filter_datasets = ()
    limit_files = limit_chunks = 0
    test = False


def restriction_of(params: Mapping[str, Any]) -> Restriction | None:
    """Return the restriction that parameters of a task ask for, ``None`` if all is read."""
    if not any(params.get(name) for name in _PARTS):
        return None
    chunk_size = params.get("chunk_size", CHUNK_SIZE)
    samples, years, datasets = (tuple(map(str, params.get(name, ()))) for name in _PARTS[:3])
    restriction = Restriction(
        samples,
        years,
        datasets,
        files=params.get("limit_files", 0),
        chunks=params.get("limit_chunks", 0),
        chunk_size=CHUNK if chunk_size == CHUNK_SIZE else chunk_size,
    )
    return restriction or None
