"""Z→ee: energies and identification of electrons, and their effect on dielectron spectra.

``energy`` fills the masses in which the energy scale and its smearing are measured, and ``energy_closure`` fills them
again with both applied. With these, ``tnp`` fills the templates of the scale factor of the identification, and
``tnp_closure`` fills them with the scale factor applied. ``all_probes`` counts all simulated electrons, whose
efficiency that of the pairs must be. ``nominal`` fills the spectra without and ``calibrated`` the spectra with all of
it.
"""

from analysis.zee import config, scale_factors
from pocket import Analysis

analysis = Analysis(
    name="zee",
    configs={
        "energy": config.energy,
        "energy_closure": config.energy_closure,
        "tnp": config.tnp,
        "tnp_closure": config.tnp_closure,
        "all_probes": config.all_probes,
        "nominal": config.nominal,
        "calibrated": config.calibrated,
    },
    scale_factors={"electron_energy": scale_factors.electron_energy, "electron_id": scale_factors.electron_id},
    default_config="calibrated",
    compare={"calibrated": "nominal"},
    # With half of the toys there are too few electrons, so a fit of the systematics fails.
    least_toys=1.0,
)
