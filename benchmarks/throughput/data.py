"""The benchmark's files: synthetic NanoAODv9, written once and kept."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import uproot

from benchmarks.throughput.contents import further_contents, widened
from pocket.configuration.configurator import Configurator
from pocket.datasets.build import build_fileset
from pocket.datasets.fileset import Fileset
from pocket.parameters.defaults import get_default_parameters, project_root
from pocket.parameters.plain import to_plain
from pocket.toys.config import ToyConfig
from pocket.toys.generator import generate
from pocket.toys.nanoaod import write_nanoaod
from pocket.toys.plan import file_uuid
from pocket.toys.resources import write_golden_json, write_pileup_weights, write_scale_factors

EVENTS = 400_000
#: number of events per file, similar to files of CMS, so that opening them has a realistic cost
EVENTS_PER_FILE = 400_000
#: CMS flushes baskets every 10 MB (autoFlush of NanoAODOutputModule), which is about so many of these events
BASKET_ENTRIES = 10_000
#: compression by name; CMS uses LZMA level 9, which takes as long to read but much longer to write
COMPRESSIONS = {"zstd": uproot.ZSTD(5), "lzma": uproot.LZMA(4)}
#: version of the files' content
FORMAT = 1


@dataclass(frozen=True)
class Sample:
    """Files of one process.

    Args:
        process: the process.
        files: the files, in order.
        corrections: folder of the corrections that belong to them.
    """

    process: str
    files: tuple[Path, ...]
    corrections: Path


def default_folder() -> Path:
    """Return the default folder of files, ``cache/throughput`` in the store."""
    store = os.environ.get("POCKET_STORE")
    return (Path(store) if store else project_root() / "store") / "cache" / "throughput"


def make_sample(
    folder: Path,
    process: str,
    events: int,
    compression: str = "zstd",
    *,
    events_per_file: int | None = None,
    branches: int = 0,
) -> Sample:
    """Return the files of a process, which are written unless an earlier call did.

    Args:
        folder: parent of a folder for each process, number of events, compression and kind of files.
        process: one of :data:`pocket.toys.config.SIMULATED`.
        events: number of events.
        compression: name in :data:`COMPRESSIONS`.
        events_per_file: largest number of events in a file; :data:`EVENTS_PER_FILE` by default.
        branches: number of branches of a file, most of which nothing reads; those that the flows need by default.
    """
    config = ToyConfig.from_params(to_plain(get_default_parameters())["toys"])
    kind = f"_{events_per_file}" * bool(events_per_file) + f"_wide{branches}" * bool(branches)
    place = folder / f"{process}_{events}_{compression}{kind}"
    corrections = place / "corrections"
    sizes = [min(EVENTS_PER_FILE, events - start) for start in range(0, events, EVENTS_PER_FILE)]
    per_file = events_per_file or EVENTS_PER_FILE
    # The events of a usual file are divided, so that small files have the same ones.
    numbers = [-(-size // per_file) for size in sizes]
    files = tuple(place / f"{process}_{part}.root" for part in range(sum(numbers)))
    stamp, wanted = place / "made.json", json.dumps([FORMAT, repr(config), BASKET_ENTRIES, per_file])
    # The stamp is written last, so that an interrupted run doesn't count.
    if not stamp.exists() or stamp.read_text() != wanted:
        corrections.mkdir(parents=True, exist_ok=True)
        write_pileup_weights(corrections / "puWeights.json.gz", config)
        write_golden_json(corrections / "golden.json", config)
        write_scale_factors(corrections, config)
        paths = [files[last - number : last] for number, last in zip(numbers, accumulate(numbers), strict=True)]
        write = partial(_write_files, process, config, compression, branches, per_file)
        with ProcessPoolExecutor(min(os.cpu_count() or 1, len(sizes)), mp_context=get_context("spawn")) as pool:
            list(pool.map(write, range(len(sizes)), sizes, paths))
        stamp.write_text(wanted)
    return Sample(process, files, corrections)


def sample_fileset(config: Configurator, sample: Sample) -> Fileset:
    """Return the fileset of a configuration.

    Args:
        config: a configuration that only reads toys of the sample's process.
        sample: the files.
    """
    xsec = ToyConfig.from_params(to_plain(config.parameters)["toys"]).process(sample.process).xsec
    definitions = {name: replace(definition, xsec=xsec) for name, definition in config.definitions.items()}
    return build_fileset(definitions, toy_files={sample.process: list(sample.files)}, cache=sample.corrections).fileset


def _write_files(
    process: str,
    config: ToyConfig,
    compression: str,
    branches: int,
    per_file: int,
    part: int,
    size: int,
    paths: Sequence[Path],
) -> None:
    events = generate(process, size, config, part=part)
    events |= further_contents(np.random.default_rng([FORMAT, part, size]), events)
    if branches:
        events = widened(events, branches)
    for number, path in enumerate(paths):
        name = f"{FORMAT} {size} {compression}" + f" {branches} {number}" * (branches > 0 or len(paths) > 1)
        write_nanoaod(
            path,
            {branch: values[number * per_file : (number + 1) * per_file] for branch, values in events.items()},
            file_uuid=uuid.uuid5(file_uuid(process, part, config), name),
            compression=COMPRESSIONS[compression],
            basket_entries=BASKET_ENTRIES,
        )
