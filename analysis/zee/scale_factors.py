"""Scale factor that the Z→ee analysis measures."""

from __future__ import annotations

from analysis.zee.config import DATA, DY, OTHER_DY
from pocket.scale_factors import Alternative, Closure, TagAndProbeFit

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
    closure=Closure(remeasured={"input": "tnp_closure"}),
    description="Identification of electrons (MVA with isolation, WP90), tag and probe",
)
