"""Mistakes that only events, or their sums, bring to light."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import correctionlib.schemav2 as cs
import numpy as np

from pocket.configuration.configurator import Configurator
from pocket.corrections.files import load_correction
from pocket.cuts.cut import Cut
from pocket.histograms.config import Axis, HistConf
from pocket.parameters.defaults import merge_parameters
from pocket.weights import WeightLambda
from tests.mistakes.table import EVENTS, MERGE, Row
from tests.pocket.configs import DEFINITIONS, PARAMETERS, configure, only
from tests.pocket.correction_files import binned, write_corrections

X = Axis(field="x", bins=4, start=0, stop=2)


def config(**changes: Any) -> Callable[[Path], Configurator]:
    """Return what makes the configuration of one sample of simulation with changes."""
    return lambda folder: configure(datasets=only("TT"), **changes)


def weight(value: Any, **settings: Any) -> Callable[[Path], Configurator]:
    """Return what makes a configuration with a weight that returns something."""
    mine = WeightLambda.wrap_func("mine", lambda params, metadata, events, size, variation: value, **settings)
    block = {"common": {"inclusive": [mine]}}
    return config(weights=block, variations={"weights": block} if settings else {})


def cut(value: Any) -> Callable[[Path], Configurator]:
    """Return what makes a configuration with a cut that returns something."""
    return config(preselections=[Cut("mine", {}, lambda events, params, **kwargs: value)])


def skim(weights: dict[str, Any]) -> Callable[[Path], Configurator]:
    """Return what makes a configuration that reads a skim without the sums before it."""

    def make(folder: Path) -> Configurator:
        metadata = {"year": "2018", "isMC": True, "xsec": 1.0, "isSkim": True}
        content = {"TT": {"sample": "TT", "files": [{"paths": ["a.root"], "metadata": metadata}]}}
        (folder / "skim.json").write_text(json.dumps(content))
        return configure(datasets={"jsons": [folder / "skim.json"]}, weights=weights)

    return make


def correction(name: str) -> Callable[[Path], Any]:
    """Return what loads a correction from a file with one called ``pileup``."""

    def make(folder: Path) -> Any:
        written: cs.Correction = binned("pileup", {"n": [0, 1, 2]}, lambda kind, number: 1.0, "kind")
        return load_correction(write_corrections(folder / "file.json", written), name)

    return make


def pileup(**changes: str) -> Callable[[Path], Configurator]:
    """Return what makes a configuration with the weight of pileup, whose parameters name a file."""

    def make(folder: Path) -> Configurator:
        written: cs.Correction = binned("nominal_pu", {"n": [0, 1, 2]}, lambda kind, number: 1.0, "kind")
        named = {"file": write_corrections(folder / "file.json", written), "name": "nominal_pu"} | changes
        parameters = merge_parameters(PARAMETERS, {"pileup": {"2018": named}})
        return configure(parameters=parameters, datasets=only("TT"), weights={"common": {"inclusive": ["pileup"]}})

    return make


ROWS = [
    Row(
        "a histogram of a column that isn't there",
        "histogram 'y': .*no field 'yy'.*",
        config(variables={"y": HistConf([Axis(field="yy", bins=4, start=0, stop=2)])}),
        EVENTS,
    ),
    Row(
        "a histogram of a collection that isn't there",
        "histogram 'y': .*'Muons'.*",
        config(variables={"y": HistConf([Axis(coll="Muons", field="pt", bins=4, start=0, stop=2)])}),
        EVENTS,
    ),
    Row(
        "a histogram of a custom field that isn't there",
        r"histogram 'y': the workflow defined no custom field 'yy', only \[\]",
        config(variables={"y": HistConf([Axis(coll="custom", field="yy", bins=4, start=0, stop=2)])}),
        EVENTS,
    ),
    Row(
        "a cut of numbers",
        r"cut 'mine' must return one boolean per event \(4\), not .*",
        cut(np.ones(4)),
        EVENTS,
    ),
    Row(
        "a cut of another length", r"cut 'mine' must return .* \(4\), not 2 of type bool", cut(np.ones(2, bool)), EVENTS
    ),
    Row(
        "a cut that returns nothing", r"cut 'mine' must return one boolean per event \(4\), not None", cut(None), EVENTS
    ),
    Row(
        "a weight that isn't finite",
        r"weight 'mine' \(nominal\) is not finite for 4 of 4 events",
        weight(np.nan),
        EVENTS,
    ),
    Row(
        "a weight of another length",
        r"weight 'mine' \(nominal\) has shape \(3,\), expected \(4,\)",
        weight(np.ones(3)),
        EVENTS,
    ),
    Row(
        "a weight of words",
        r"weight 'mine' \(nominal\) is not one number per event: .*",
        weight("one"),
        EVENTS,
    ),
    Row(
        "a weight without the variations that it promises",
        "weight 'mine' has variations, but did not return all of mineUp, mineDown.*",
        weight(np.ones(4), has_variations=True),
        EVENTS,
    ),
    Row(
        "a weight with other variations than it promises",
        r"weight 'mine' returned the variations \['b'\], but declares \['a'\]",
        weight((np.ones(4), ["b"], [np.ones(4)], [np.ones(4)]), has_variations=True, variations=["a"]),
        EVENTS,
    ),
    Row(
        "a correction that isn't in the file",
        r"unknown correction 'pielup' in file\.json, did you mean 'pileup'.",
        correction("pielup"),
    ),
    Row(
        "a correction of a shipped weight that isn't in its file",
        r"weight 'pileup' of dataset 'TT_2018': "
        r"unknown correction 'nominal_up' in file\.json, did you mean 'nominal_pu'.",
        pileup(name="nominal_up"),
    ),
    Row(
        "a file of a shipped weight that is no file of corrections",
        "weight 'pileup' of dataset 'TT_2018': .*definitions.json is not a correctionlib file: .*",
        pileup(file=str(DEFINITIONS)),
    ),
    Row(
        "corrections of a shipped weight without the year",
        "weight 'pileup' of dataset 'TT_2018': unknown parameter '2018' in pileup, did you mean '2017'.",
        lambda folder: configure(
            parameters=merge_parameters(PARAMETERS, {"pileup": {"2017": {"file": "a.json", "name": "a"}}}),
            datasets=only("TT"),
            weights={"common": {"inclusive": ["pileup"]}},
        ),
    ),
    Row(
        "a file of a shipped weight that there isn't",
        r"correction file /no/such\.json does not exist",
        pileup(file="/no/such.json"),
        EVENTS,
    ),
    Row(
        "a file of corrections that there isn't",
        "correction file /no/such.json does not exist",
        lambda folder: load_correction("/no/such.json", "a"),
    ),
    Row(
        "a skim of which nobody knows how many events there were",
        "dataset 'TT_2018': the number of events before the skim is unknown, so .* 'nevents_before.*",
        skim({"common": {"inclusive": ["XS"]}}),
        MERGE,
    ),
]
