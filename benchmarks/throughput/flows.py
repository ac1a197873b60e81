"""The flows that all engines run."""

from __future__ import annotations

import copy
from dataclasses import dataclass

from benchmarks.peer.flows import load_config
from benchmarks.throughput.grown import GROWN, grown
from pocket.configuration.configurator import Configurator
from pocket.errors import check_known


@dataclass(frozen=True)
class Flow:
    """One configuration on one process.

    Args:
        config: name of the configuration in the comparison with PocketCoffea, which shows that the physics agrees.
        process: process of all events of the toys.
        compression: compression of the files.
        label: label in tables.
    """

    config: str
    process: str
    compression: str
    label: str

    def configuration(self) -> Configurator:
        """Return our configuration of the only dataset with the process."""
        what, _, number = self.config.partition(":")
        config = grown(what, int(number)) if number else load_config(self.config)
        return of_process(config, self.process)


def of_process(config: Configurator, process: str) -> Configurator:
    """Return a configuration that reads toys, restricted to the dataset of one process."""
    config = copy.copy(config)
    config.definitions = {
        name: definition for name, definition in config.definitions.items() if definition.values == (process,)
    }
    return config


def find(name: str) -> Flow:
    """Return the flow with a name; ``histograms:100`` is one of :mod:`benchmarks.throughput.grown`.

    Raises:
        UnknownNameError: if there is no such flow.
    """
    what, _, number = name.partition(":")
    if number:
        check_known("quantity", [what], GROWN, "growth")
        return Flow(name, "ttsemi", "zstd", f"tt̄, {number} {what}")
    check_known("flow", [name], FLOWS, "benchmark")
    return FLOWS[name]


#: name → flow; the three of tt̄ are the sizes that PocketCoffea's own benchmark runs on real tt̄
FLOWS = {
    "ttbar_large": Flow("ttbar_large", "ttsemi", "zstd", "tt̄ large"),
    "ttbar_medium": Flow("ttbar_medium", "ttsemi", "zstd", "tt̄ medium"),
    "ttbar_small": Flow("ttbar_small", "ttsemi", "zstd", "tt̄ small"),
    "zmumu": Flow("zmumu", "dy", "zstd", "Z→μμ"),
    "ttbar_large_lzma": Flow("ttbar_large", "ttsemi", "lzma", "tt̄ large, LZMA"),
    "zmumu_lzma": Flow("zmumu", "dy", "lzma", "Z→μμ, LZMA"),
}
