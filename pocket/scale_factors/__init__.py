"""Scale factors: declared by an analysis, measured or imported, written as corrections, applied to events.

A method of one's own is a subclass of :class:`ScaleFactor` (or of a base that has data or passing and failing entries)
whose ``method`` names a function ``"module:function"``, see docs/scale_factors.md.
"""

from pocket.scale_factors.base import ScaleFactorBase
from pocket.scale_factors.coupled import Coupled
from pocket.scale_factors.declarations import DataScaleFactor, PassFail, ScaleFactor
from pocket.scale_factors.efficiencies import EfficiencyMap, EfficiencyRatio, TagAndProbeCount, TagAndProbeFit
from pocket.scale_factors.imported import Imported
from pocket.scale_factors.systematics import Alternative, Flat, LogNormal, Shape, Spread
from pocket.scale_factors.tagging import PassFailTemplate
from pocket.scale_factors.validation import Closure, Kept
from pocket.scale_factors.yields import DataMCRatio, NormRatio

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
    "Kept",
    "LogNormal",
    "NormRatio",
    "PassFail",
    "PassFailTemplate",
    "ScaleFactor",
    "ScaleFactorBase",
    "Shape",
    "Spread",
    "TagAndProbeCount",
    "TagAndProbeFit",
)
