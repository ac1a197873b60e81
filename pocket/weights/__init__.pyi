"""Public names of :mod:`pocket.weights`, loaded when they are used."""

from .base import (
    WeightData as WeightData,
)
from .base import (
    WeightDataMultiVariation as WeightDataMultiVariation,
)
from .base import (
    WeightLambda as WeightLambda,
)
from .base import (
    WeightWrapper as WeightWrapper,
)
from .btag import (
    SHAPE_VARIATIONS as SHAPE_VARIATIONS,
)
from .btag import (
    BTagCalibration as BTagCalibration,
)
from .btag import (
    BTagFixedWorkingPoint as BTagFixedWorkingPoint,
)
from .btag import (
    BTagShape as BTagShape,
)
from .event import (
    CrossSection as CrossSection,
)
from .event import (
    GenWeight as GenWeight,
)
from .event import (
    L1Prefiring as L1Prefiring,
)
from .event import (
    Lumi as Lumi,
)
from .event import (
    Pileup as Pileup,
)
from .event import (
    SignOfGenWeight as SignOfGenWeight,
)
from .event import (
    common_weights as common_weights,
)
from .jets import JetPileupId as JetPileupId
from .leptons import (
    ElectronId as ElectronId,
)
from .leptons import (
    ElectronReco as ElectronReco,
)
from .leptons import (
    ElectronTrigger as ElectronTrigger,
)
from .leptons import (
    MuonId as MuonId,
)
from .leptons import (
    MuonIso as MuonIso,
)
from .leptons import (
    MuonTrigger as MuonTrigger,
)
from .scale_factor import ScaleFactorWeight as ScaleFactorWeight
from .square_root import SquareRoot as SquareRoot
from .theory import (
    FactorisationScale as FactorisationScale,
)
from .theory import (
    PartonShowerFSR as PartonShowerFSR,
)
from .theory import (
    PartonShowerISR as PartonShowerISR,
)
from .theory import (
    QCDScale as QCDScale,
)
from .theory import (
    RenormalisationScale as RenormalisationScale,
)
from .working_point import FixedWorkingPointWeight as FixedWorkingPointWeight
