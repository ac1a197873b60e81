"""The flows that all engines run."""

from __future__ import annotations

import copy
from dataclasses import dataclass

from benchmarks.peer.flows import load_config
from pocket.configurator import Configurator


@dataclass(frozen=True)
class Flow:
    """One configuration on one process.

    Args:
        config: name of the configuration in the comparison with PocketCoffea, which shows that the physics agree.
        process: process of the toys that all events are of.
        compression: of the files.
        label: for tables.
    """

    config: str
    process: str
    compression: str
    label: str

    def configuration(self) -> Configurator:
        """Return our configuration of the one dataset that has the process."""
        return of_process(load_config(self.config), self.process)


def of_process(config: Configurator, process: str) -> Configurator:
    """Return a configuration that reads toys, restricted to the dataset of one process."""
    config = copy.copy(config)
    config.definitions = {
        name: definition for name, definition in config.definitions.items() if definition.values == (process,)
    }
    return config


#: name → flow. The three of tt̄ are the sizes that PocketCoffea's own benchmark runs on real tt̄.
FLOWS = {
    "ttbar_large": Flow("ttbar_large", "ttsemi", "zstd", "tt̄ large"),
    "ttbar_medium": Flow("ttbar_medium", "ttsemi", "zstd", "tt̄ medium"),
    "ttbar_small": Flow("ttbar_small", "ttsemi", "zstd", "tt̄ small"),
    "zmumu": Flow("zmumu", "dy", "zstd", "Z→μμ"),
    "ttbar_large_lzma": Flow("ttbar_large", "ttsemi", "lzma", "tt̄ large, LZMA"),
    "zmumu_lzma": Flow("zmumu", "dy", "lzma", "Z→μμ, LZMA"),
}
