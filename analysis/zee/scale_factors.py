"""Calibration and scale factor that the Z→ee analysis measures."""

from __future__ import annotations

from analysis.zee.config import DATA, DY, OTHER_DY, W
from pocket.scale_factors import Alternative, Closure, EnergyScale, Shape, TagAndProbeFit

electron_energy = EnergyScale(
    input="energy",
    variable="mass_by_eta",
    category="baseline",
    axes=("abseta",),
    partner_axes=("other_abseta",),
    data=(DATA,),
    mc=(DY,),
    background=(W,),
    mass_range=(80.0, 100.0),
    systematics=(
        Shape("pileup"),
        Alternative("mass_range", {"mass_range": (84.0, 98.0)}),
        Alternative("smearing_function", {"smearing_function": "tails"}),
    ),
    closure=Closure(remeasured={"input": "energy_closure"}),
    description="Energy scale of electrons in data, and smearing of their energies in simulation",
)

electron_id = TagAndProbeFit(
    input="tnp",
    variable="tnp_mass",
    category="pairs",
    axes=("pt", "etaSC"),
    data=(DATA,),
    mc=(DY,),
    mass_range=(60.0, 120.0),
    background="cms_shape",
    alternative_signal="crystal_ball",
    alternative_background="exponential",
    systematics=(
        Alternative("tag", {"category": "tight_tag", "alternative_fits": ()}),
        Alternative("generator", {"mc": (OTHER_DY,), "alternative_fits": ()}),
    ),
    closure=Closure(
        remeasured={"input": "tnp_closure"},
        all_objects={"input": "all_probes", "variable": "all_probes", "category": "all"},
    ),
    description="Identification of electrons (MVA with isolation, WP90), tag and probe",
)
