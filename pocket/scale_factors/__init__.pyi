"""Public names of :mod:`pocket.scale_factors`, loaded when they are used."""

from .declarations.base import ScaleFactorBase as ScaleFactorBase
from .declarations.closure import Closure as Closure, PreservedYield as PreservedYield
from .declarations.coupled import Coupled as Coupled
from .declarations.imported import Imported as Imported
from .declarations.measured import (
    DataScaleFactor as DataScaleFactor,
    PassFail as PassFail,
    ScaleFactor as ScaleFactor,
    conditional as conditional,
)
from .declarations.systematics import (
    Alternative as Alternative,
    Flat as Flat,
    LogNormal as LogNormal,
    Shape as Shape,
    Spread as Spread,
)
from .measurement.result import Measured as Measured, Measurement as Measurement
from .methods.efficiency.declaration import EfficiencyMap as EfficiencyMap, EfficiencyRatio as EfficiencyRatio
from .methods.energy_scale.declaration import EnergyScale as EnergyScale
from .methods.pass_fail_template.declaration import PassFailTemplate as PassFailTemplate
from .methods.tag_and_probe.declaration import (
    Fit as Fit,
    TagAndProbeCount as TagAndProbeCount,
    TagAndProbeFit as TagAndProbeFit,
)
from .methods.yields.declaration import DataMCRatio as DataMCRatio, NormRatio as NormRatio
