from __future__ import annotations

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from pocket.errors import UnknownNameError
from pocket.toys.config import PROCESSES
from pocket.toys.plan import file_plan, file_uuid, random_generator


def test_simulation_is_split_into_files(config):
    assert file_plan("dy", config) == [(part, 50_000) for part in range(7)] + [(7, 10_000)]
    assert file_plan("ttsemi", config) == [(0, 40_000)]
    half = dataclasses.replace(config, scale=0.5, events_per_file=25_000)
    assert file_plan("wjets", half) == [(0, 25_000), (1, 25_000)]


def test_data_have_a_poisson_number_of_events(config):
    expected = (2025.74 + 365.34 + 1000.0) * 80.0 * 1.02
    totals = []
    for seed in range(200):
        data = dataclasses.replace(config.data, seed=seed)
        totals.append(sum(n for _, n in file_plan("data", dataclasses.replace(config, data=data))))
    assert abs(np.mean(totals) - expected) < 4 * np.sqrt(expected / 200)
    assert 0.75 < np.var(totals) / expected < 1.3
    assert file_plan("data", config) == file_plan("data", config)


def test_luminosity_scales_data(config):
    small = dataclasses.replace(config, scale=0.01)
    assert 2500 < sum(n for _, n in file_plan("data", small)) < 3000


def test_unknown_process(config):
    with pytest.raises(UnknownNameError, match=r"toy process 'ttbar' in params/toys\.yaml"):
        file_plan("ttbar", config)


def test_every_file_has_its_own_random_numbers(config):
    files = [(process, part) for process in PROCESSES for part in range(3)]
    first = [random_generator(process, part, config).random() for process, part in files]
    assert len(set(first)) == len(files)
    assert first == [random_generator(process, part, config).random() for process, part in files]


def test_seeds_of_data_and_simulation_are_independent(config):
    other = dataclasses.replace(config, seed=1)
    assert random_generator("data", 0, other).random() == random_generator("data", 0, config).random()
    assert random_generator("dy", 0, other).random() != random_generator("dy", 0, config).random()


def test_uuid_depends_on_everything(config):
    other = dataclasses.replace(config, luminosity=49.0)
    uuids = {file_uuid("dy", 0, config), file_uuid("dy", 1, config), file_uuid("data", 0, config)}
    assert len(uuids | {file_uuid("dy", 0, other)}) == 4
    assert file_uuid("dy", 0, config) in uuids


def test_plan_is_light():
    heavy = "awkward coffea scipy uproot vector"
    code = f"import sys, pocket.toys.plan; sys.exit(any(name in sys.modules for name in {heavy.split()!r}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
