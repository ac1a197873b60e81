"""Public names of :mod:`pocket.weights`, loaded when they are used."""

from .base import (
    WeightData as WeightData,
    WeightDataMultiVariation as WeightDataMultiVariation,
    WeightLambda as WeightLambda,
    WeightWrapper as WeightWrapper,
)
from .btag import (
    SHAPE_VARIATIONS as SHAPE_VARIATIONS,
    BTagCalibration as BTagCalibration,
    BTagCalibrationVaried as BTagCalibrationVaried,
    BTagFixedWorkingPoint as BTagFixedWorkingPoint,
    BTagShape as BTagShape,
)
from .ctag import CTagCalibration as CTagCalibration, CTagShape as CTagShape
from .event import (
    CrossSection as CrossSection,
    GenWeight as GenWeight,
    L1Prefiring as L1Prefiring,
    Lumi as Lumi,
    Pileup as Pileup,
    SignOfGenWeight as SignOfGenWeight,
    common_weights as common_weights,
)
from .generator_branches import generator_means as generator_means
from .jets import JetPileupId as JetPileupId
from .k_factor import KFactor as KFactor, boson_pt as boson_pt
from .leptons import (
    ElectronId as ElectronId,
    ElectronReco as ElectronReco,
    ElectronTrigger as ElectronTrigger,
    MuonId as MuonId,
    MuonIso as MuonIso,
    MuonReco as MuonReco,
    MuonTrigger as MuonTrigger,
)
from .photons import (
    PhotonElectronVeto as PhotonElectronVeto,
    PhotonId as PhotonId,
    PhotonPixelSeed as PhotonPixelSeed,
)
from .pdf import AlphaS as AlphaS, PDFWeight as PDFWeight
from .pdf_sets import PDFSet as PDFSet
from .product import WeightProduct as WeightProduct
from .scale_factor import ScaleFactorWeight as ScaleFactorWeight
from .shower_variations import PartonShowerSplit as PartonShowerSplit
from .square_root import SquareRoot as SquareRoot
from .stitching import StitchedSample as StitchedSample, Stitching as Stitching
from .stitching_closure import stitching_closure as stitching_closure
from .taus import TauVsElectron as TauVsElectron, TauVsJet as TauVsJet, TauVsMuon as TauVsMuon
from .theory import (
    FactorisationScale as FactorisationScale,
    PartonShowerFSR as PartonShowerFSR,
    PartonShowerISR as PartonShowerISR,
    QCDScale as QCDScale,
    QCDScalePoints as QCDScalePoints,
    RenormalisationScale as RenormalisationScale,
)
from .top_pt import TopPtData as TopPtData, TopPtNNLO as TopPtNNLO
from .working_point import (
    BTagWorkingPointWeight as BTagWorkingPointWeight,
    FixedWorkingPointWeight as FixedWorkingPointWeight,
)
