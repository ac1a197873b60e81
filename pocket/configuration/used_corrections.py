"""The corrections that a configuration uses, of its weights, its calibrators and its imported scale factors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from pocket.calibrators.base import Calibrator
from pocket.corrections.comparison import UsedCorrection
from pocket.errors import ConfigError
from pocket.parameters.locations import local_path
from pocket.scale_factors.declarations.imported import Imported
from pocket.weights.base import WeightWrapper

if TYPE_CHECKING:
    from pocket.configuration.analysis import Analysis
    from pocket.configuration.configurator import Configurator


def used_corrections(
    analysis: Analysis, config: str, left: Callable[[str], str], right: Callable[[str], str]
) -> list[UsedCorrection]:
    """Return the corrections that a configuration uses for all of its datasets, with the files of both sides."""
    users: dict[tuple[str, str], dict[str, None]] = {}
    for pair, user in [*_of_config(analysis.config(config)), *_of_scale_factors(analysis, config)]:
        users.setdefault(pair, {})[user] = None
    return [
        UsedCorrection(file, name, tuple(of_pair), left(file), right(file)) for (file, name), of_pair in users.items()
    ]


def _of_config(config: Configurator) -> Iterator[tuple[tuple[str, str], str]]:
    for pair, user, year in corrections_of_config(config):
        yield pair, f"{user}, {year}"


def corrections_of_config(config: Configurator) -> Iterator[tuple[tuple[str, str], str, str]]:
    """Yield (file, name) of the corrections of weights and calibrators, what uses each, and the year, by dataset."""
    for definition in config.definitions.values():
        metadata = definition.metadata()
        is_mc, year = bool(metadata["isMC"]), definition.year
        counted = [config.weights.samples[name] for name in config.counted_samples(definition.sample)]
        for name in dict.fromkeys(name for plan in counted for name in plan.names):
            cls = config.weights.classes[name]
            if cls.corrections is not WeightWrapper.corrections and (is_mc or not cls.isMC_only):
                for file, correction in cls(config.parameters, metadata).corrections():
                    yield (file, correction), f"weight {name}", year
        for calibrator in config.shapes.calibrators:
            if calibrator.corrections is not Calibrator.corrections and (is_mc or not calibrator.isMC_only):
                for file, correction in calibrator(config.parameters, metadata, True).corrections():
                    yield (file, correction), f"calibrator {calibrator.name}", year


def _of_scale_factors(analysis: Analysis, config: str) -> Iterator[tuple[tuple[str, str], str]]:
    for name in analysis.upstream_scale_factors(config):
        for measured in analysis.scale_factor(name).configs():
            yield from _of_config(analysis.config(measured))
        declaration = analysis.scale_factor(name)
        if isinstance(declaration, Imported):
            yield (declaration.file, declaration.correction), f"scale factor {name}"


def check_files(used: list[UsedCorrection], side: str) -> None:
    """Check that a side has the files of all corrections."""
    for file in dict.fromkeys(getattr(one, side) for one in used):
        try:
            local_path(file)
        except ConfigError as error:
            raise ConfigError(f"the corrections on the {side}: {error}") from None
