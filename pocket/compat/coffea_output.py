"""Export to PocketCoffea's layout, a pickled dictionary in a ``.coffea`` file that PocketCoffea's tools read."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import awkward as ak
import lz4.frame
import numpy as np
import numpy.typing as npt
from omegaconf import DictConfig, OmegaConf

from pocket.columns.parquet import column_files
from pocket.errors import ColumnError
from pocket.parameters.plain import to_plain

if TYPE_CHECKING:
    from pocket.configuration.configurator import Configurator

#: sample → dataset → category → variation → records of shape (n events,)
Columns = dict[str, dict[str, dict[str, dict[str, ak.Array]]]]

#: parts of the output that are the same in both layouts
_SUMS = ("sum_genweights", "sum_signOf_genweights", "sumw", "sumw2", "cutflow")
#: option of ``plotting_style`` → PocketCoffea's name
_STYLE = {"label": "cms_label"}


def to_coffea_layout(cfg: Configurator, merged: Mapping[str, Any], columns: Columns) -> dict[str, Any]:
    """Return a merged output (:func:`pocket.outputs.merging.merge_outputs`) in the layout of PocketCoffea 0.9.13.

    These are the same sums, ``variables[histogram][sample][dataset]``, coffea's ``column_accumulator`` in
    ``columns[sample][dataset][category][variation][column]``, ``processing_metadata``, which is empty, and
    ``datasets_metadata``. There, ``by_dataset[dataset]`` has strings (``"True"`` for simulation, which PocketCoffea's
    plots compare with), and ``by_datataking_period[year][sample]`` has sets of datasets.
    """
    return {
        **{key: merged[key] for key in _SUMS},
        "variables": merged["variables"],
        "columns": {
            sample: {
                dataset: {
                    category: {
                        variation: _accumulators(cfg, sample, category, records)
                        for variation, records in variations.items()
                    }
                    for category, variations in categories.items()
                }
                for dataset, categories in datasets.items()
            }
            for sample, datasets in columns.items()
        },
        "processing_metadata": {},
        "datasets_metadata": _datasets_metadata(cfg, merged["datasets_metadata"]),
    }


def plotting_parameters(cfg: Configurator) -> DictConfig:
    """Return the parameters in the form that PocketCoffea's plotting reads.

    Empty options of ``plotting_style`` are left out, because ``only_samples: []`` would draw nothing; ``label`` becomes
    ``cms_label``, and the luminosity of each period in 1/fb is added.
    """
    parameters = to_plain(cfg.parameters)
    style = parameters.get("plotting_style", {})
    picobarns = parameters.get("lumi", {}).get("picobarns", {})
    years = dict.fromkeys(definition.year for definition in cfg.definitions.values())
    parameters["plotting_style"] = {
        **{_STYLE.get(option, option): value for option, value in style.items() if value not in ([], {})},
        "plot_upper_label": {"by_year": {year: picobarns[year]["tot"] / 1000 for year in years if year in picobarns}},
    }
    return OmegaConf.create(parameters)


def write_coffea(path: Path, exported: Mapping[str, Any]) -> None:
    """Write a ``.coffea`` file for ``coffea.util.load``, readable also with coffea 0.7 and numpy 1.26."""
    with lz4.frame.open(path, "wb") as file:
        # coffea.util.save uses protocol 5, whose arrays name a module that numpy 1 doesn't have.
        pickle.dump(exported, file, protocol=4)


def read_all_columns(directory: str | Path) -> Columns:
    """Return all columns of a merged output in memory, see :func:`pocket.columns.merging.merge_columns`."""
    columns: Columns = {}
    for (sample, category, variation), files in column_files(directory).items():
        for file in files:
            categories = columns.setdefault(sample, {}).setdefault(file.stem, {})
            categories.setdefault(category, {})[variation] = ak.from_parquet(str(file))
    return columns


def _accumulators(cfg: Configurator, sample: str, category: str, records: ak.Array) -> dict[str, Any]:
    from coffea.processor import column_accumulator

    as_lists = {
        f"{out.collection}_{name}" for out in cfg.columns[sample][category] if not out.flatten for name in out.columns
    }
    accumulators = {}
    for name in records.fields:
        values = records[name]
        if ak.any(ak.is_none(values, axis=-1), axis=None):
            raise ColumnError(
                f"column {name!r} of {sample!r} in category {category!r} has missing values, which a .coffea file "
                "can't hold: set fill_none=True in its ColOut"
            )
        if values.ndim > 1 and name not in as_lists:
            values = ak.flatten(values, axis=1)
        accumulators[name] = column_accumulator(_to_numpy(values))
    return accumulators


def _to_numpy(values: ak.Array) -> npt.NDArray[Any]:
    """Return a NumPy array with the entries of an awkward array; jagged entries become arrays of their own."""
    if values.ndim == 1:
        return np.asarray(ak.to_numpy(values))
    flat = _to_numpy(ak.flatten(values, axis=1))
    lists = np.empty(len(values), dtype=object)
    for number, (start, stop) in enumerate(pairwise([0, *np.cumsum(ak.num(values, axis=1))])):
        lists[number] = flat[start:stop]
    return lists


def _datasets_metadata(cfg: Configurator, metadata: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    by_period: dict[str, dict[str, set[str]]] = {}
    for dataset, values in metadata.items():
        of_period = by_period.setdefault(str(values["year"]), {})
        for sample in cfg.stored_samples(str(values["sample"])):
            of_period.setdefault(sample, set()).add(dataset)
    by_dataset = {dataset: {key: str(value) for key, value in values.items()} for dataset, values in metadata.items()}
    return {"by_datataking_period": by_period, "by_dataset": by_dataset}
