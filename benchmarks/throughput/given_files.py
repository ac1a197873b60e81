"""Configurations of the benchmark on given files, for commands that read nothing but a request.

Each side reads the request whose path is in an environment variable, since its configuration is a file of Python.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from benchmarks.peer.flows import load_config
from pocket.configuration.analysis import Analysis
from pocket.configuration.configurator import Configurator
from pocket.datasets.definition_files import read_definitions
from pocket.engine.resources import TOYS

#: environment variable with the path of the request
VARIABLE = "BENCHMARK_REQUEST"
#: names of the analysis and of its configuration
NAME, CONFIG = "benchmark", "flow"


def requested_analysis() -> Analysis:
    """Return the analysis with the configuration of the request, on its files."""
    request = json.loads(Path(os.environ[VARIABLE]).read_text())
    return Analysis(
        name=NAME, configs={CONFIG: on_files(load_config(request["config"]), request)}, default_config=CONFIG
    )


def on_files(config: Configurator, request: Mapping[str, Any]) -> Configurator:
    """Return a configuration that reads other datasets and correction files.

    Args:
        config: the configuration, whose parameters are changed.
        request: ``definitions``, a definition file, and ``corrections``, key of a parameter → path.
    """
    for key, path in request["corrections"].items():
        OmegaConf.update(config.parameters, key, path)
    placed = copy.copy(config)
    placed.definition_files, placed.dataset_filter = (request["definitions"],), {}
    placed.definitions = read_definitions([request["definitions"]])
    return placed


def definitions_of(config: Configurator, fileset: Mapping[str, Any]) -> dict[str, Any]:
    """Return the definition of a configuration's only dataset by the paths of its files."""
    (definition,) = config.definitions.values()
    (dataset,) = fileset.values()
    metadata = {"year": definition.year, "isMC": definition.is_mc, "xsec": dataset["metadata"]["xsec"]}
    files = [{"paths": list(dataset["files"]), "metadata": metadata}]
    return {definition.key: {"sample": definition.sample, "files": files}}


def correction_files(parameters: Mapping[str, Any], folder: str) -> dict[str, str]:
    """Return key → path of the parameters that name an existing file which belongs to the toys.

    Args:
        parameters: plain parameters.
        folder: folder of the files.
    """
    found: dict[str, str] = {}
    for key, value in parameters.items():
        if isinstance(value, Mapping):
            found |= {f"{key}.{inner}": path for inner, path in correction_files(value, folder).items()}
        elif isinstance(value, str) and value.startswith(TOYS):
            path = Path(folder, value.removeprefix(TOYS))
            if path.exists():
                found[str(key)] = str(path)
    return found
