"""Scale factors that the Z→μμ analysis derives."""

from __future__ import annotations

from pocket.scale_factors import EfficiencyRatio, TagAndProbeFit

muon_id = TagAndProbeFit(
    input="tnp",
    variable="tnp_mass",
    category="pairs",
    axes=("pt", "abseta"),
    data=("DATA_SingleMuon",),
    mc=("DYJetsToMuMu",),
    mass_range=(70.0, 115.0),
    description="Identification of isolated muons, tag and probe",
)

trigger = EfficiencyRatio(
    input="trigger_eff",
    variable="trigger_probes",
    category="pairs",
    axes=("pt", "abseta"),
    data=("DATA_SingleMuon",),
    mc=("DYJetsToMuMu",),
    description="HLT_IsoMu24 for identified, isolated muons, tag and probe",
)
