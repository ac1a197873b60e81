"""Configuration file of ``pocket-coffea run``: the flow of the request that the environment names.

It is a file as PocketCoffea's users write it, apart from the request, and runs in PocketCoffea's environment.
"""

import importlib
import json
import os
from pathlib import Path

from pocketcoffea_driver import CONFIGS

request = json.loads(Path(os.environ["BENCHMARK_REQUEST"]).read_text())
module, _, function = CONFIGS[request["config"]].partition(":")
cfg = getattr(importlib.import_module(module), function)(request)
