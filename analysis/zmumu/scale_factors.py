"""Scale factors that the Z→μμ analysis measures, in the order of the chain."""

from __future__ import annotations

from pocket.scale_factors import (
    Alternative,
    Closure,
    DataMCRatio,
    EfficiencyRatio,
    LogNormal,
    Shape,
    Spread,
    TagAndProbeFit,
)

DATA = ("DATA_SingleMuon",)
DY = ("DYJetsToMuMu",)
BACKGROUND = ("TTToSemiLeptonic", "WJetsToLNu")


def all_probes(config: str) -> dict[str, str]:
    """Return the place with all simulated probes, whose efficiency that of the pairs must be."""
    return {"input": config, "variable": "all_probes", "category": "all"}


muon_id = TagAndProbeFit(
    input="tnp",
    variable="tnp_mass",
    category="pairs",
    axes=("pt", "abseta"),
    data=DATA,
    mc=DY,
    mass_range=(70.0, 115.0),
    systematics=(Alternative("tag", {"category": "tight_tag", "alternative_fits": ()}),),
    closure=Closure(remeasured={"input": "tnp_closure"}, all_objects=all_probes("id_probes")),
    description="Identification of isolated muons, tag and probe",
)

trigger = EfficiencyRatio(
    input="trigger_eff",
    variable="trigger_probes",
    category="pairs",
    axes=("pt", "abseta"),
    data=DATA,
    mc=DY,
    systematics=(
        Shape("pileup"),
        Spread("jets", {"category": "no_jet"}, {"category": "jets"}),
        # The tag is only the reference, so its selection must not matter.
        Alternative("tag", {"category": "tight_tag"}),
    ),
    upstream=("muon_id",),
    closure=Closure(remeasured={"input": "trigger_closure"}, all_objects=all_probes("trigger_probes")),
    description="HLT_IsoMu24 for identified, isolated muons, tag and probe",
)

# The yield stays that of the cross section, so that data only correct the shape and not mistakes of other scale
# factors.
dy_pt = DataMCRatio(
    input="dy_pt",
    variable="ptll_peak",
    category="peak",
    axes=("ptll",),
    data=DATA,
    mc=DY,
    background=BACKGROUND,
    keep_yield=True,
    systematics=(Shape("pileup"), LogNormal("background", 1.2, BACKGROUND)),
    upstream=("muon_id", "trigger"),
    closure=Closure(same_events={"input": "calibrated"}, split=({"category": "peak_even"}, {"category": "peak_odd"})),
    description="Transverse momentum of Drell-Yan pairs",
)
