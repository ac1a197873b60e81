"""The toys' shipped configuration, and events generated once for all tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from pocket.toys.config import ToyConfig
from pocket.toys.generator import generate

TOYS = Path(__file__).parents[3] / "params" / "toys.yaml"
N_EVENTS = {"dy": 40_000, "ttsemi": 10_000, "wjets": 10_000, "data": 40_000}


@pytest.fixture
def parameters() -> Any:
    """The section ``toys`` as plain dictionaries, which a test may change."""
    return OmegaConf.to_container(OmegaConf.load(TOYS))["toys"]


@pytest.fixture(scope="session")
def config() -> ToyConfig:
    return ToyConfig.from_params(OmegaConf.load(TOYS).toys)


@pytest.fixture(scope="session")
def toys(config: ToyConfig) -> dict[str, dict[str, Any]]:
    """Events of the first file of each process."""
    return {process: generate(process, n, config, part=0) for process, n in N_EVENTS.items()}
