"""Reader of an exported file with PocketCoffea's coffea, which also draws a variable with its plotting.

It runs in PocketCoffea's environment: ``python read_export.py FOLDER VARIABLE``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import mplhep
from coffea.util import load
from omegaconf import OmegaConf
from pocket_coffea.parameters import defaults


def main(folder: Path, variable: str) -> None:
    """Read the file, draw into the folder ``plots``, and write ``read.json``."""
    output = load(folder / "output_all.coffea")
    read = {
        "initial": output["cutflow"]["initial"],
        "variables": {
            name: {dataset: numbers(histogram) for found in samples.values() for dataset, histogram in found.items()}
            for name, samples in output["variables"].items()
        },
        "columns": {
            f"{sample}/{dataset}/{category}/{variation}/{name}": column.value.tolist()
            for sample, datasets in output["columns"].items()
            for dataset, categories in datasets.items()
            for category, variations in categories.items()
            for variation, columns in variations.items()
            for name, column in columns.items()
        },
    }
    draw(folder, variable)
    (folder / "read.json").write_text(json.dumps(read))


def numbers(histogram: Any) -> list[Any]:
    """Return sums of weights and of their squares, including flow bins."""
    return [histogram.values(flow=True).tolist(), histogram.variances(flow=True).tolist()]


def draw(folder: Path, variable: str) -> None:
    """Call the command ``make-plots`` in this process."""
    # PocketCoffea's parameters can't be imported without CVMFS, and its plots need an older mplhep for the luminosity.
    defaults.setup_cvmfs_resolver = lambda *_: OmegaConf.register_new_resolver("cvmfs", lambda *_: "", replace=True)
    if not hasattr(mplhep.cms, "lumitext"):
        mplhep.cms.lumitext = lambda *_, **__: None
    from pocket_coffea.scripts.plot.make_plots import make_plots

    files = ["--input-dir", folder, "--inputfiles", folder / "output_all.coffea", "--outputdir", folder / "plots"]
    make_plots([*map(str, files), "--workers", "1", "--only-hist", f"^{variable}$"], standalone_mode=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
