"""Plan of the toy files: their numbers of events, random numbers and identities.

It is known before anything is generated, and without awkward or uproot.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict

import numpy as np

from pocket.errors import UnknownNameError
from pocket.toys.config import ELECTRON_PROCESSES, MIXTURES, PROCESSES, SOURCE, ToyConfig

#: UUID version 5 namespace of the toy files
NAMESPACE = uuid.UUID("9d6b3a52-6f0e-4b8e-8a53-6c8a2f0b7e11")
#: all processes; the place in it decides the random numbers
_ALL = (*PROCESSES, *ELECTRON_PROCESSES)


def file_plan(process: str, config: ToyConfig) -> list[tuple[int, int]]:
    """Return the (part, number of events) of each file of a process.

    Simulation has ``events * scale`` events. Data have a Poisson number, whose mean is the sum of the cross sections
    times the luminosity, plus a fraction ``uncertified`` for the sections that the golden JSON drops. The process is
    drawn for each event of data, so the numbers of events from each process are independent Poisson numbers, too.
    """
    check_process(process)
    if process in MIXTURES:
        xsec = sum(config.process(name).xsec for name in MIXTURES[process])
        mean = xsec * config.luminosity * config.scale * (1 + config.data.uncertified)
        n_events = int(np.random.default_rng(config.data.seed).poisson(mean))
    else:
        n_events = round(config.process(process).events * config.scale)
    starts = range(0, n_events, config.events_per_file)
    return [(part, min(config.events_per_file, n_events - start)) for part, start in enumerate(starts)]


def random_generator(process: str, part: int, config: ToyConfig) -> np.random.Generator:
    """Return the random number generator of one file, which is reproducible and independent of all other files."""
    seed = config.data.seed if process in MIXTURES else config.seed
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed, spawn_key=(_ALL.index(process), part))))


def file_uuid(process: str, part: int, config: ToyConfig) -> uuid.UUID:
    """Return the UUID of one file, which changes with any parameter of the toys."""
    parameters = {name: value for name, value in asdict(config).items() if value is not None}
    return uuid.uuid5(NAMESPACE, json.dumps([process, part, parameters]))


def check_process(process: str) -> None:
    """Raise UnknownNameError if there is no such process."""
    if process not in _ALL:
        raise UnknownNameError("toy process", process, _ALL, SOURCE)
