"""Printed descriptions of configurations."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

import luigi

from tasks.framework.base import OneConfigTask

WHAT = ("config", "parameters")


class ShowConfig(OneConfigTask):
    """Prints a configuration as JSON, or its parameters as YAML, and writes nothing."""

    what = luigi.ChoiceParameter(
        choices=WHAT,
        default=WHAT[0],
        description="config: cuts, weights, calibrators, histograms and the code behind them, parameters: all numbers; "
        "default: config",
    )

    exclude_index = False

    @classmethod
    def each(cls, given: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the options of one task, because several descriptions would be no JSON or YAML."""
        return [dict(given)]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._shown = False

    def complete(self) -> bool:
        """Whether it was printed in this process."""
        return self._shown

    def run(self) -> None:
        """Print the description."""
        from pocket.configuration.description import dump_config
        from pocket.parameters.defaults import dump_parameters

        config = self.config_inst
        text = dump_config(config, self.config) if self.what == "config" else dump_parameters(config.parameters)
        self._shown = True
        try:
            print(text.rstrip("\n"), flush=True)
        except BrokenPipeError:
            # The reader has closed the pipe. Without this, Python would try to flush at the exit, and print an error.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
