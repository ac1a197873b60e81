"""Base of scale factors, with everything that the chain needs to know about measured and imported ones."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pocket.base.arguments import Declarative
from pocket.histograms.readings import Reading

if TYPE_CHECKING:
    from pocket.scale_factors.declarations.measured import ScaleFactor


@dataclass(frozen=True)
class UpstreamOutputs:
    """Outputs of earlier steps that a scale factor is made from.

    Args:
        template_folders: configuration → output of the merging.
        dataset_years: configuration → year of each dataset.
        resolve_file: name of a correction file → the same name, or the path of a file that is made together with toys.
        allow_null_systematics: whether a source of uncertainty may change nothing, see
            :func:`pocket.scale_factors.files.writer.correction_set`.
        simulated: configuration → its simulated samples with templates.
    """

    template_folders: Mapping[str, Path]
    dataset_years: Callable[[str], Mapping[str, str]]
    resolve_file: Callable[[str], str]
    allow_null_systematics: bool = False
    simulated: Callable[[str], tuple[str, ...]] = lambda config: ()


@dataclass(frozen=True, kw_only=True)
class ScaleFactorBase(metaclass=Declarative):
    """Base of all values of ``scale_factors`` of an analysis.

    Args:
        description: description in the written correction.
    """

    #: ``module:function`` that makes it: ``function(name, declaration, outputs)``, which returns the content of the
    #: correctionlib file, and the values in bins or ``None`` if there are no bins; ``outputs`` are
    #: :class:`UpstreamOutputs`
    maker: ClassVar[str]
    #: ``module:function`` that checks it: ``function(name, declaration, outputs, correction, result) -> Report``
    validator: ClassVar[str]
    #: ``module:function`` that refuses a wrong declaration before anything runs: ``function(declaration)``
    checker: ClassVar[str] = ""
    #: ``module:function`` of the measurement, empty if there is none
    method: ClassVar[str] = ""
    #: ``module:function`` of the sums that it corrects and their expected values, see
    #: :mod:`pocket.scale_factors.validation.algebra`; empty if there is no exact relation
    algebra: ClassVar[str] = ""

    description: str = ""

    def measured(self) -> tuple[ScaleFactor, ...]:
        """Return the scale factor itself if it is measured in templates, else nothing."""
        return ()

    def sources(self) -> tuple[tuple[str, str], ...]:
        """Return all pairs of configuration and histogram that are read, the nominal one first."""
        return ()

    def configs(self) -> tuple[str, ...]:
        """Return the configurations whose templates are read, the nominal one first."""
        return tuple(dict.fromkeys(config for config, _ in self.sources()))

    def readings(self) -> tuple[Reading, ...] | None:
        """Return the parts of the templates that are read, ``None`` for all templates of :meth:`configs`.

        A measurement that returns parts can't read anything else.
        """
        return None

    def files(self) -> tuple[str, ...]:
        """Return the names of the correction files that it is made from."""
        return ()

    def input_names(self) -> tuple[str, ...] | None:
        """Return the inputs of its correction except ``systematic``, ``None`` if only its file names them."""
        return None

    def systematics_written(self) -> tuple[str, ...] | None:
        """Return the keys of ``systematic`` in its file, ``None`` if only the measurement determines them."""
        return None


def find_function(reference: str) -> Any:
    """Return the function with the reference ``module:name``."""
    module, _, name = reference.partition(":")
    return getattr(importlib.import_module(module), name)
