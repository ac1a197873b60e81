"""Mistakes in the arguments of a configuration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import OmegaConf

from pocket.calibrators.base import Calibrator
from pocket.columns import ColOut
from pocket.configuration.configurator import Configurator
from pocket.cuts.cut import Cut
from pocket.cuts.library import passthrough
from pocket.histograms.config import Axis, HistConf
from pocket.plan.workflow import BaseProcessorABC
from pocket.weights import WeightLambda, WeightWrapper
from tests.mistakes.table import Row
from tests.pocket.configs import PARAMETERS, configure, only

X = Axis(field="x", bins=4, start=0, stop=2)
OBJECTS = Cut("good_muons", {}, lambda events, params, **kwargs: events.Muon.pt > 1, collection="Muon")


def one(params: Any, metadata: Any, events: Any, size: int, shape_variation: str) -> Any:
    """Return a weight of one."""
    return np.ones(size)


class Misspelt(BaseProcessorABC):
    """A workflow one of whose methods has another name."""

    def apply_object_preselection(self, variation: str) -> None:
        """Select nothing."""

    def count_object(self, variation: str) -> None:
        """Count nothing."""


def config(**changes: Any) -> Callable[[Path], Configurator]:
    """Return what makes the small configuration with changes."""
    return lambda folder: configure(**changes)


def weights(*names: Any, **more: Any) -> dict[str, Any]:
    """Return a block of weights."""
    return {"common": {"inclusive": list(names), **more}}


def varied(*names: Any) -> dict[str, Any]:
    """Return the block of variations of weights."""
    return {"weights": weights(*names)}


FIXED = WeightLambda.wrap_func("sf_fixed", one)
VARIED = WeightLambda.wrap_func("sf_varied", one, has_variations=True)


class NoName(Calibrator):
    """A calibrator without a name."""


LACKING_YEAR = OmegaConf.create({"lumi": {"picobarns": {"2017": {"tot": 41480.0}}}})
NO_TOTAL = OmegaConf.create({"lumi": {"picobarns": {"2018": {"A": 14027.6}}}})
NEGATIVE = OmegaConf.create({"lumi": {"picobarns": {"2018": {"tot": -59830.0}}}})

ROWS = [
    Row(
        "a weight that there isn't",
        r"unknown weight 'genWieght' in weights\.common\.inclusive, did you mean 'genWeight'.*",
        config(weights=weights("genWieght")),
    ),
    Row(
        "a weight applied twice",
        "weight 'lumi' is applied twice to 'DY' in category 'baseline'",
        config(weights=weights("lumi", "lumi")),
    ),
    Row(
        "both generator weights",
        "weights 'genWeight' and 'signOf_genWeight' are both applied to 'DY' in category 'baseline', .*",
        config(weights=weights("genWeight", "signOf_genWeight")),
    ),
    Row(
        "a string instead of a list of weights",
        r"weights\.common\.inclusive must be a list, not 'genWeight'",
        config(weights={"common": {"inclusive": "genWeight"}}),
    ),
    Row(
        "a misspelt key of a block",
        r"unknown key 'inclusiv' in weights\.common, did you mean 'inclusive'\?",
        config(weights={"common": {"inclusiv": []}}),
    ),
    Row(
        "weights of a sample that there isn't",
        r"unknown sample 'TTT' in weights\.bysample, did you mean 'TT'\?",
        config(weights={"bysample": {"TTT": {"inclusive": ["lumi"]}}}),
    ),
    Row(
        "weights of a category that there isn't",
        r"unknown category 'baselin' in weights\.common\.bycategory, did you mean 'baseline'\?",
        config(weights={"common": {"bycategory": {"baselin": ["lumi"]}}}),
    ),
    Row(
        "variations of a weight that isn't applied",
        r"variations\.weights: 'pileup' is varied, but no weight of that name is applied",
        config(variations=varied("pileup")),
    ),
    Row(
        "variations of a weight that has none",
        r"variations\.weights: weight 'sf_fixed' has no variations: leave it out \(an uncertainty of the rate, as of "
        r"lumi, is a LogNormal of a model\), or set has_variations = True in a weight of your own",
        config(weights=weights(FIXED), variations=varied(FIXED)),
    ),
    Row(
        "a misspelt kind of variations",
        "unknown key 'weight' in variations, did you mean 'weights'.*",
        config(variations={"weight": {}}),
    ),
    Row(
        "shape variations without a calibrator",
        r"variations\.shape\.common\.inclusive asks for 'JES', but the configuration has no calibrators: .*",
        config(variations={"shape": {"common": {"inclusive": ["JES"]}}}),
    ),
    Row(
        "a calibrator without a name",
        "calibrator NoName has no name: set name in the class",
        config(calibrators=[NoName]),
    ),
    Row(
        "a weight class without a name",
        r"weights_classes: <class '.*WeightWrapper'> isn't a subclass of WeightWrapper with a name",
        config(weights_classes=[WeightWrapper]),
    ),
    Row(
        "a histogram for a variation that nothing stores",
        "unknown variation 'sf_variedup' in only_variations of histogram 'x', did you mean 'sf_variedUp'.*",
        config(
            weights=weights(VARIED),
            variations=varied(VARIED),
            variables={"x": HistConf([X], only_variations=["sf_variedup"])},
        ),
    ),
    Row(
        "a histogram for a category that there isn't",
        "unknown category 'baselin' in only_categories of histogram 'x', did you mean 'baseline'.",
        config(variables={"x": HistConf([X], only_categories=["baselin"])}),
    ),
    Row(
        "a histogram without a sample that there isn't",
        "unknown sample 'DYY' in exclude_samples of histogram 'x', did you mean 'DY'.",
        config(variables={"x": HistConf([X], exclude_samples=["DYY"])}),
    ),
    Row(
        "an axis instead of a histogram", r"variables\.x must be a HistConf, not Axis\(.*\)", config(variables={"x": X})
    ),
    Row("nothing to fill", "variables: at least one histogram is needed, or columns to export", config(variables={})),
    Row("no category", "categories: at least one is needed, .*", config(categories={})),
    Row(
        "a cut instead of a list",
        r"categories\.a must be a list of cuts, not Cut\(.*",
        config(categories={"a": passthrough}),
    ),
    Row("a cut that is none", r"preselections\[0\] must be a Cut, not 'nMuon'", config(preselections=["nMuon"])),
    Row(
        "a cut on objects in the skim",
        "skim: cut 'good_muons' selects objects of 'Muon'; only categories and subsamples may",
        config(skim=[OBJECTS]),
    ),
    Row(
        "a category that is a step of the cutflow",
        "categories: 'presel' can't be a category's name, it is a step of the cutflow",
        config(categories={"presel": [passthrough]}),
    ),
    Row(
        "subsamples of a sample that there isn't",
        "unknown sample 'TTT' in subsamples, did you mean 'TT'.",
        config(subsamples={"TTT": {"bb": [passthrough]}}),
    ),
    Row(
        "columns of what is no collection of columns",
        r"columns\.common\.inclusive must be a list of ColOut, not 'Muon_pt'",
        config(columns={"common": {"inclusive": ["Muon_pt"]}}),
    ),
    Row(
        "a column twice, with other options",
        ".*'Muon_pt' is declared twice, with different options",
        config(
            columns={"common": {"inclusive": [ColOut("Muon", ["pt"]), ColOut("Muon", ["pt"], flatten=False)]}},
        ),
    ),
    Row(
        "parameters that are no composed parameters",
        r"parameters must be composed parameters \(a DictConfig\), not dict",
        config(parameters={"lumi": 1}),
    ),
    Row(
        "a section to read that there isn't",
        "unknown section 'limit' in parameters_read, did you mean 'limits'.*",
        config(parameters_read=["limit"]),
    ),
    Row(
        "a workflow without a method that it must have",
        r"workflow Misspelt \(\S*rows_of_configurations\.py:\d+\) doesn't define count_objects; is its method "
        r"'count_object' misspelt\?",
        config(workflow=Misspelt),
    ),
    Row(
        "a workflow that is none",
        "workflow must be a class derived from BaseProcessorABC, not .*",
        config(workflow=Cut),
    ),
    Row(
        "PocketCoffea's way to skims",
        "save_skimmed_files='skims': skims are made by the task SkimEvents",
        config(save_skimmed_files="skims"),
    ),
    Row(
        "a misspelt argument of the configuration",
        r"unknown argument 'weight' in Configurator\(\), did you mean 'weights'.*",
        config(weight={}),
    ),
    Row(
        "no luminosity of the year",
        "weight 'lumi' of dataset 'TT_2018': unknown year '2018' in lumi.picobarns of the parameters, did .* '2017'.",
        config(parameters=LACKING_YEAR, weights=weights("lumi"), datasets=only("TT")),
    ),
    Row(
        "no luminosities",
        "weight 'lumi' of dataset 'DY_M50_2018': unknown parameter 'lumi' in the parameters.*",
        config(parameters=OmegaConf.masked_copy(PARAMETERS, "limits"), weights=weights("lumi")),
    ),
    Row(
        "no total luminosity",
        r"weight 'lumi' of dataset '.*': lumi\.picobarns\.2018\.tot must be a number, not None",
        config(parameters=NO_TOTAL, weights=weights("lumi")),
    ),
    Row(
        "a negative luminosity",
        r"weight 'lumi' of dataset '.*': weight 'lumi' must be a positive number, not -59830\.0",
        config(parameters=NEGATIVE, weights=weights("lumi")),
    ),
]
