"""Axes that a workflow of PocketCoffea adds to all histograms, found when the configuration is made.

A workflow appends them to ``custom_axes`` in its constructor, or by dataset in ``define_custom_axes_extra``. Templates
have the same axes for all samples, so all datasets must get the same ones.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from pocket.base.fingerprint.modules import owner
from pocket.errors import ConfigError

if TYPE_CHECKING:
    from pocket.configuration.configurator import Configurator


def custom_axes(config: Configurator) -> tuple[Any, ...]:
    """Return the axes that the workflow of a configuration adds to all histograms."""
    if not _adds_axes(config.workflow):
        return ()
    found: dict[str, tuple[Any, ...]] = {}
    plan = config.declared().with_parameters(config.parameters)
    for name, definition in config.definitions.items():
        workflow: Any = config.workflow(plan)
        metadata = definition.metadata()
        workflow.metadata = metadata
        workflow._dataset, workflow._sample, workflow._year = name, metadata["sample"], metadata["year"]
        workflow._isMC = bool(metadata["isMC"])
        workflow._era = "MC" if workflow._isMC else metadata.get("era")
        workflow._samplePart = metadata.get("part")
        workflow.define_custom_axes_extra()
        found[name] = tuple(workflow.custom_axes)
    first, *others = found
    for other in others:
        if found[other] != found[first]:
            raise ConfigError(
                f"workflow {config.workflow.__name__} adds other custom_axes to {other!r} than to {first!r}, but "
                "templates have the same axes for all samples: give a histogram of its own only_samples and an axis "
                "with coll='metadata'"
            )
    return found[first]


def _adds_axes(workflow: type) -> bool:
    """Tell whether the user's code of a workflow names ``custom_axes``, since creating a workflow may take long."""
    classes = (cls for cls in workflow.__mro__ if owner(cls.__module__) == "user")
    return any("custom_axes" in _source(cls) for cls in classes)


def _source(cls: type) -> str:
    try:
        return inspect.getsource(cls)
    except (OSError, TypeError):
        return "custom_axes"
