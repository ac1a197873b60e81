"""Scale factors: declared by an analysis, measured or imported, written as corrections, applied to events.

A method of your own is a subclass of :class:`ScaleFactor`, or of a base with data or with passing and failing entries,
whose ``method`` names a function ``"module:function"``, see docs/scale_factors.md.
"""

from typing import TYPE_CHECKING

from pocket.base.arguments import former_names
from pocket.scale_factors.declarations.base import ScaleFactorBase
from pocket.scale_factors.declarations.closure import Closure, PreservedYield
from pocket.scale_factors.declarations.coupled import Coupled
from pocket.scale_factors.declarations.imported import Imported
from pocket.scale_factors.declarations.measured import DataScaleFactor, PassFail, ScaleFactor
from pocket.scale_factors.declarations.systematics import Alternative, Flat, LogNormal, Shape, Spread
from pocket.scale_factors.methods.efficiency.declaration import EfficiencyMap, EfficiencyRatio
from pocket.scale_factors.methods.pass_fail_template.declaration import PassFailTemplate
from pocket.scale_factors.methods.tag_and_probe.declaration import TagAndProbeCount, TagAndProbeFit
from pocket.scale_factors.methods.yields.declaration import DataMCRatio, NormRatio

__all__ = (
    "Alternative",
    "Closure",
    "Coupled",
    "DataMCRatio",
    "DataScaleFactor",
    "EfficiencyMap",
    "EfficiencyRatio",
    "Flat",
    "Imported",
    "LogNormal",
    "NormRatio",
    "PassFail",
    "PassFailTemplate",
    "PreservedYield",
    "ScaleFactor",
    "ScaleFactorBase",
    "Shape",
    "Spread",
    "TagAndProbeCount",
    "TagAndProbeFit",
)

# Hidden from type checkers, to which a module with this function has every attribute.
if not TYPE_CHECKING:
    __getattr__ = former_names(__name__, {"Kept": "PreservedYield"})
