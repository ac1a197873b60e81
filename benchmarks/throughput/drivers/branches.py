"""The columns that the physics of each flow needs, which a bare read reads."""

FLAGS = (
    "goodVertices",
    "globalSuperTightHalo2016Filter",
    "HBHENoiseFilter",
    "HBHENoiseIsoFilter",
    "EcalDeadCellTriggerPrimitiveFilter",
    "BadPFMuonFilter",
    "BadPFMuonDzFilter",
    "eeBadScFilter",
    "ecalBadCalibFilter",
)
EVENT = ("PV_npvsGood", *(f"Flag_{flag}" for flag in FLAGS), "HLT_IsoMu24", "genWeight", "Pileup_nTrueInt")


def _of(collection, *fields):
    return tuple(f"{collection}_{field}" for field in fields)


ZMUMU = (
    *EVENT,
    *_of("Muon", "pt", "eta", "phi", "mass", "charge", "tightId", "pfRelIso04_all"),
    *_of("Jet", "pt", "eta", "phi", "jetId", "puId"),
)
TTBAR = (
    *EVENT,
    "HLT_Ele32_WPTight_Gsf",
    "MET_pt",
    *_of("Muon", "pt", "eta", "phi", "tightId", "pfRelIso04_all"),
    *_of("Electron", "pt", "eta", "phi", "deltaEtaSC", "mvaFall17V2Iso_WP80", "pfRelIso03_all"),
    *_of("Jet", "pt", "eta", "phi", "jetId", "puId", "btagDeepFlavB", "hadronFlavour"),
)
#: columns that classify tt̄ by the flavour of additional jets
GENERATOR = (
    *_of("GenJet", "pt", "eta", "phi", "hadronFlavour"),
    *_of("GenPart", "eta", "phi", "pdgId", "genPartIdxMother"),
)
#: configuration → columns
BRANCHES = {
    "zmumu": ZMUMU,
    # Without subsamples the generator's record isn't needed.
    "ttbar_small": TTBAR,
    "ttbar_medium": TTBAR + GENERATOR,
    "ttbar_large": TTBAR + GENERATOR,
}
