"""Scale factors: declared by an analysis, measured from templates, written as corrections, applied to events.

A method of one's own is a subclass of :class:`ScaleFactor` whose ``method`` names a function
``"module:function"`` with the signature of :func:`measure`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pocket.scale_factors.declarations import EfficiencyRatio, ScaleFactor, TagAndProbe

if TYPE_CHECKING:
    from hist import Hist

    from pocket.scale_factors.result import ScaleFactorResult

__all__ = ("EfficiencyRatio", "ScaleFactor", "TagAndProbe", "measure")


def measure(name: str, declaration: ScaleFactor, templates: Mapping[str, Hist[Any]]) -> ScaleFactorResult:
    """Measure a scale factor with the method of its declaration.

    Args:
        name: name of the scale factor, that of the correction later.
        declaration: what to measure.
        templates: the declared histogram per sample, summed over datasets, with axes ``cat``, ``variation``
            (simulation) and those of the declaration; storage ``Weight``.

    Raises:
        UnknownNameError: if a sample, an axis or the category isn't in the templates.
        ScaleFactorError: if the scale factor can't be derived in some bin; the text names the bins.
    """
    module, function = declaration.method.split(":")
    result: ScaleFactorResult = getattr(importlib.import_module(module), function)(name, declaration, templates)
    return result
