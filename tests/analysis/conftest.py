"""The tt̄ analysis, and toy files for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pocket.configuration.analysis import Analysis
from pocket.configuration.loading import load_analysis
from pocket.toys.config import ToyConfig
from pocket.toys.generator import generate
from pocket.toys.jerc import write_jet_corrections
from pocket.toys.nanoaod import write_nanoaod
from pocket.toys.resources import write_golden_json, write_pileup_weights, write_scale_factors
from tests.analysis.toy_files import EVENTS, uuid_of


@pytest.fixture(scope="session")
def analysis() -> Analysis:
    return load_analysis("ttbar")


@pytest.fixture(scope="session")
def toys(tmp_path_factory: pytest.TempPathFactory, analysis: Analysis) -> Path:
    """A folder with a file of tt̄, one of data, and the corrections that belong to them."""
    folder = tmp_path_factory.mktemp("toys")
    toy_config = ToyConfig.from_params(analysis.config("small").parameters.toys)
    for process, events in EVENTS.items():
        write_nanoaod(
            folder / f"{process}.root", generate(process, events, toy_config, part=0), file_uuid=uuid_of(process)
        )
    write_pileup_weights(folder / "puWeights.json.gz", toy_config)
    write_scale_factors(folder, toy_config)
    write_golden_json(folder / "golden.json", toy_config)
    write_jet_corrections(folder / "jet_jerc.json.gz", toy_config)
    return folder
