"""The configurations that both sides run."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

from pocket.configuration.configurator import Configurator


@dataclass(frozen=True)
class Flow:
    """One configuration.

    Args:
        config: module and name of our configuration; PocketCoffea's driver has its own under the flow's name.
        process: process of the toys with most of the events.
    """

    config: str
    process: str = "ttsemi"


#: name → flow
FLOWS = {
    "zmumu": Flow("benchmarks.peer.dimuon:spectra", "dy"),
    "ttbar_small": Flow("analysis.ttbar.config:small"),
    "ttbar_medium": Flow("analysis.ttbar.config:medium"),
    "ttbar_large": Flow("analysis.ttbar.config:large"),
    "cartesian": Flow("benchmarks.peer.ours:cartesian"),
    "objects": Flow("benchmarks.peer.ours:objects"),
    "subsamples": Flow("benchmarks.peer.ours:subsamples"),
    "weights": Flow("benchmarks.peer.ours:weights"),
    "columns": Flow("benchmarks.peer.ours:columns"),
    "shapes": Flow("benchmarks.peer.ours:shapes", "dy"),
}


def load_config(flow: str) -> Configurator:
    """Return our configuration of a flow."""
    module, _, name = FLOWS[flow].config.partition(":")
    config = getattr(importlib.import_module(module), name)
    assert isinstance(config, Configurator)
    return config
