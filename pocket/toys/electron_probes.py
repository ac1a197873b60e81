"""Electrons with a known efficiency of the identification, whose scale, resolution and radiation differ in data.

Electrons lose energy by radiation, so that their mass spectrum has a tail below the peak. Fake electrons come from
jets, such as those beside a W boson.
"""

from __future__ import annotations

import numpy as np

from pocket.base.typing import Floats
from pocket.toys.config import Detector, ElectronResponse, ElectronToys
from pocket.toys.hard_process import ELECTRON, ELECTRON_MASS
from pocket.toys.leptons import electron_quality, fake_electrons, impact, reconstruct
from pocket.toys.tables import Table, stack
from pocket.toys.truth import electron_id_efficiency

#: largest fraction of its energy that an electron radiates
_LOSS_MAX = 0.9
#: spread of the difference in eta of supercluster and track
_DELTA_ETA = 0.02
#: efficiencies of cutBased >= 4, 3, 2, 1 and of the MVA's WP80, relative to that of its WP90
_CUT_BASED, _WP80 = np.array([0.80, 0.90, 1.0, 1.06]), 0.88


def reconstruct_probes(
    rng: np.random.Generator, gen: Table, gen_jets: Table, detector: Detector, toys: ElectronToys, process: str
) -> Table:
    """Return reconstructed electrons by pt, prompt ones and those from jets, see :func:`.leptons.reconstruct_muons`."""
    is_data = process == "egamma"
    responses = toys.responses
    response = (
        responses.data if is_data else responses.other_generator if process == "dyee_lo" else responses.simulation
    )
    electrons = stack(
        reconstruct(rng, gen, ELECTRON, detector.electron, lambda eta: relative_momentum(rng, eta, response)),
        fake_electrons(rng, gen_jets, detector.electron, toys.fake_electrons),
    ).by_pt()
    n, prompt, pt, eta = len(electrons), electrons["prompt"], electrons["pt"], electrons["eta"]
    delta_eta = rng.normal(0, _DELTA_ETA, n)
    efficiency = electron_id_efficiency(pt, eta + delta_eta, toys.identification, is_data)
    # Looser working points contain the tighter ones.
    quality = rng.random(n) / np.where(prompt, efficiency, toys.identification.nonprompt)
    return Table(
        electrons.event,
        {
            **electrons.columns,
            **impact(rng, prompt),
            "mass": np.full(n, ELECTRON_MASS),
            "pdgId": -ELECTRON * electrons["charge"],
            "deltaEtaSC": delta_eta,
            **electron_quality(rng, electrons, quality, _CUT_BASED, _WP80, 1),
        },
    )


def relative_momentum(rng: np.random.Generator, eta: Floats, response: ElectronResponse) -> Floats:
    """Return reconstructed over generated pt."""
    n = len(eta)
    loss = np.minimum(rng.exponential(response.loss, n), _LOSS_MAX) * (rng.random(n) < response.radiating)
    resolution = response.resolution + response.resolution_slope * np.abs(eta)
    return np.asarray(response.scale * (1 - loss) * rng.normal(1, resolution))
