"""Public names of :mod:`pocket.scale_factors`, loaded when they are used."""

from .declarations.base import ScaleFactorBase as ScaleFactorBase
from .declarations.closure import (
    Closure as Closure,
)
from .declarations.closure import (
    PreservedYield as PreservedYield,
)
from .declarations.coupled import Coupled as Coupled
from .declarations.imported import Imported as Imported
from .declarations.measured import (
    DataScaleFactor as DataScaleFactor,
)
from .declarations.measured import (
    PassFail as PassFail,
)
from .declarations.measured import (
    ScaleFactor as ScaleFactor,
)
from .declarations.systematics import (
    Alternative as Alternative,
)
from .declarations.systematics import (
    Flat as Flat,
)
from .declarations.systematics import (
    LogNormal as LogNormal,
)
from .declarations.systematics import (
    Shape as Shape,
)
from .declarations.systematics import (
    Spread as Spread,
)
from .measurement.result import (
    Measured as Measured,
)
from .measurement.result import (
    Measurement as Measurement,
)
from .methods.efficiency.declaration import (
    EfficiencyMap as EfficiencyMap,
)
from .methods.efficiency.declaration import (
    EfficiencyRatio as EfficiencyRatio,
)
from .methods.pass_fail_template.declaration import PassFailTemplate as PassFailTemplate
from .methods.tag_and_probe.declaration import (
    TagAndProbeCount as TagAndProbeCount,
)
from .methods.tag_and_probe.declaration import (
    TagAndProbeFit as TagAndProbeFit,
)
from .methods.yields.declaration import (
    DataMCRatio as DataMCRatio,
)
from .methods.yields.declaration import (
    NormRatio as NormRatio,
)
