"""A small configuration and its datasets, for the tests of the engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from pocket.configuration.configurator import Configurator
from pocket.cuts.library import passthrough
from pocket.engine.resources import Resources, resolve_parameters
from pocket.histograms.config import Axis, HistConf
from pocket.plan.processing import ProcessingPlan
from pocket.plan.workflow import BaseProcessorABC

#: two datasets of the sample DY, one of TT, one of DATA
DEFINITIONS = Path(__file__).with_name("definitions.json")
DY, DY_LOW, TT, DATA = "DY_M50_2018", "DY_M10_2018", "TT_2018", "DATA_2018_EraA"
LUMI = 59830.0
PARAMETERS = OmegaConf.create({"lumi": {"picobarns": {"2018": {"tot": LUMI}}}, "limits": {"x": 1.0}})


class PlainWorkflow(BaseProcessorABC):
    """Takes the events as they are."""

    def apply_object_preselection(self, variation: str) -> None:
        """Select nothing."""

    def count_objects(self, variation: str) -> None:
        """Count nothing."""


def configure(**changes: Any) -> Configurator:
    """Return a configuration with one category and one histogram, with some settings changed."""
    settings: dict[str, Any] = {
        "parameters": PARAMETERS,
        "datasets": {"jsons": [DEFINITIONS]},
        "workflow": PlainWorkflow,
        "categories": {"baseline": [passthrough]},
        "variables": {"x": HistConf([Axis(field="x", bins=4, start=0, stop=2)])},
    }
    return Configurator(**settings | changes)


def planned(config: Configurator) -> ProcessingPlan:
    """Return the plan of a configuration, with the parameters that events are processed with."""
    plan = config.plan()
    return plan.with_parameters(resolve_parameters(plan, Resources()))


def only(*samples: str) -> dict[str, Any]:
    """Return the setting ``datasets`` that keeps some samples."""
    return {"jsons": [DEFINITIONS], "filter": {"samples": samples}}


def metadata(config: Configurator, dataset: str) -> dict[str, Any]:
    """Return the metadata that events of a dataset carry."""
    return {"dataset": dataset, **config.definitions[dataset].metadata()}
