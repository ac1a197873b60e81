"""Differences of the numbers of a configuration from PocketCoffea's, with their reasons."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from pocket.calibrators.egamma import ElectronsScaleCalibrator
from pocket.calibrators.jets import JetsCalibrator
from pocket.configuration.configurator import Configurator
from pocket.outputs.normalisation import EVENTS, denominator
from pocket.parameters.defaults import get_default_parameters
from pocket.parameters.plain import to_plain

#: Name of a function or class → what it does otherwise than in PocketCoffea.
_OF_NAMES: Mapping[str, str] = {
    "get_nElectron": "minpt counts, which PocketCoffea up to 0.9.13 ignores",
    "get_nMuon": "minpt counts, which PocketCoffea up to 0.9.13 ignores",
    "MuonsRochesterCalibrator": "random numbers of muons without a generated one don't depend on chunks",
    "JetsSoftdropMassCalibrator": "keeps earlier calibrations of the jets, which PocketCoffea's undoes",
}


def number_differences(config: Configurator, names: Collection[str]) -> list[str]:
    """Return a sentence for everything that differs in the numbers of a configuration, the most important first.

    PocketCoffea's names have its defaults of parameters, apart from versions of corrections. Parameters that the
    configuration sets itself are the same in both, so only shipped ones are compared.
    """
    return [sentence for rule in _RULES for sentence in rule(config, names)]


def _jets(config: Configurator, names: Collection[str]) -> Iterator[str]:
    if not any(issubclass(calibrator, JetsCalibrator) for calibrator in config.shapes.calibrators):
        return
    applied = {
        "jec_mc": ("energies", to_plain(config.parameters)["jets_calibration"].get("apply_jec_MC", {})),
        "jer": ("resolution", to_plain(config.parameters)["jets_calibration"].get("apply_jer_MC", {})),
    }
    for kind, years in _upstream().items():
        for year, values in years.items():
            for key, theirs in values.items():
                ours = _shipped_value(config, year, "jets_calibration", "jet_types", kind, year, key)
                name, switches = applied[key]
                if ours not in (None, theirs) and switches.get(year, {}).get(kind):
                    yield f"{name} of {kind} jets of {year}: {ours}, in PocketCoffea {theirs}, a newer version"


def _electrons(config: Configurator, names: Collection[str]) -> Iterator[str]:
    smeared = {
        definition.year
        for definition in config.definitions.values()
        for calibrator in config.shapes.calibrators
        if issubclass(calibrator, ElectronsScaleCalibrator)
        and to_plain(config.parameters)["lepton_scale_factors"]["electron_sf"]
        .get("scale_and_smearing", {})
        .get("apply", {})
        .get(definition.year)
    }
    for year in sorted(smeared):
        yield f"smearing of electrons of {year}: the random numbers don't depend on chunks, PocketCoffea's do"


def _normalisation(config: Configurator, names: Collection[str]) -> Iterator[str]:
    for sample, is_mc in config.samples.items():
        weights = {name for stored in config.stored_samples(sample) for name in config.weights.samples[stored].names}
        if is_mc and denominator(config.workflow_options, weights) == EVENTS:
            yield f"{sample}: divided by its number of events, since it has XS but no generator weight"


def _shapes(config: Configurator, names: Collection[str]) -> Iterator[str]:
    for sample, by_category in config.shapes.samples.items():
        asked = set(by_category.values())
        if len(asked) > 1:
            yield (
                f"{sample}: a shape variation that isn't asked for in a category has the nominal there; its bins are "
                "empty in PocketCoffea"
            )


def _columns(config: Configurator, names: Collection[str]) -> Iterator[str]:
    if any(any(by_category.values()) for by_category in config.columns.values()):
        yield (
            "columns: MergeOutputs normalises the weights in them, which PocketCoffea leaves as they are, and "
            "weight_variation_* has every factor"
        )


def _of_names(config: Configurator, names: Collection[str]) -> Iterator[str]:
    yield from (f"{name}: {sentence}" for name, sentence in _OF_NAMES.items() if name in names)


def _tagging(config: Configurator, names: Collection[str]) -> Iterator[str]:
    if "sf_btag" in config.weights.classes:
        for year in sorted({d.year for d in config.definitions.values()} & {"2016_PreVFP", "2016_PostVFP"}):
            yield f"sf_btag of {year}: the file of this year, PocketCoffea's defaults have exchanged those of 2016"


Rule = Callable[[Configurator, Collection[str]], Iterator[str]]
_RULES: tuple[Rule, ...] = (_jets, _electrons, _tagging, _normalisation, _shapes, _columns, _of_names)


@functools.cache
def _upstream() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    text = Path(__file__).with_name("upstream_versions.yaml").read_text(encoding="utf-8")
    read: Mapping[str, Mapping[str, Mapping[str, str]]] = yaml.safe_load(text)
    return read


def _shipped_value(config: Configurator, year: str, *place: str) -> Any:
    """Return a parameter of a year that the configuration uses if it is the shipped one, else ``None``."""
    if year not in {definition.year for definition in config.definitions.values()}:
        return None
    used, shipped = (_at(to_plain(parameters), place) for parameters in (config.parameters, get_default_parameters()))
    return used if used == shipped else None


def _at(node: Any, place: tuple[str, ...]) -> Any:
    for key in place:
        node = node.get(key) if isinstance(node, Mapping) else None
    return node
