"""Files that belong to the toys, like those that an experiment provides.

They are pileup weights, scale factors of leptons and of b tagging, and certified luminosity sections.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
from correctionlib import schemav2
from scipy.stats import poisson

from pocket.toys.btag_corrections import btag_shape
from pocket.toys.config import PileupTruth, ToyConfig
from pocket.toys.correction_nodes import category, write
from pocket.toys.lepton_corrections import electron_corrections, muon_corrections

#: largest number of interactions of the correction, which starts at 0
_MAX_INTERACTIONS = 100


def write_pileup_weights(path: str | Path, config: ToyConfig) -> None:
    """Write the weights that correct simulation's pileup to data's, as gzipped correctionlib JSON.

    The correction has the inputs NumTrueInteractions and weights (nominal, up, down); the mean weight of simulation is
    1. Up and down shift data's mean by the uncertainty of the minimum-bias cross section. The bytes are always the same
    for the same configuration.
    """
    truth, shifts = config.truth.pileup, {"nominal": 0, "up": 1, "down": -1}
    correction = schemav2.Correction(
        name=truth.correction,
        version=1,
        description="Data over simulation, of the mean number of interactions per bunch crossing.",
        inputs=[
            schemav2.Variable(name="NumTrueInteractions", type="real", description="Pileup_nTrueInt"),
            schemav2.Variable(name="weights", type="string", description="nominal, up, or down"),
        ],
        output=schemav2.Variable(name="weight", type="real", description="event weight"),
        data=category("weights", {name: _binning(pileup_weights(truth, shift)) for name, shift in shifts.items()}),
    )
    _write(path, correction)


def write_scale_factors(folder: str | Path, config: ToyConfig) -> None:
    """Write ``muon_Z.json.gz``, ``electron.json.gz`` and ``btagging.json.gz``, as gzipped correctionlib JSON.

    The bytes are always the same for the same configuration.
    """
    _write(Path(folder, "muon_Z.json.gz"), *muon_corrections(config.truth))
    truth = config.electrons.identification if config.electrons else None
    _write(Path(folder, "electron.json.gz"), *electron_corrections(truth))
    _write(Path(folder, "btagging.json.gz"), btag_shape(config.truth))


def pileup_weights(truth: PileupTruth, shift: float) -> npt.NDArray[np.float64]:
    """Return data's probability of 0, 1, … mean interactions over simulation's, shape (100,), with mean 1.

    The shift of data is in standard deviations of the minimum-bias cross section.
    """
    interactions = np.arange(_MAX_INTERACTIONS)
    simulation = poisson.pmf(interactions, truth.mc)
    data = poisson.pmf(interactions, truth.data * (1 + shift * truth.uncertainty))
    return np.asarray(data / simulation / data.sum() * simulation.sum())


def write_golden_json(path: str | Path, config: ToyConfig) -> None:
    """Write the certified luminosity sections of the pseudo-data: run → list of [first, last]."""
    certified = {str(run.number): run.certified for run in config.data.runs if run.certified}
    Path(path).write_text(json.dumps(certified, indent=1) + "\n")


def _write(path: str | Path, *corrections: schemav2.Correction) -> None:
    write(path, schemav2.CorrectionSet(schema_version=2, corrections=list(corrections)))


def _binning(values: npt.NDArray[np.float64]) -> schemav2.Binning:
    return schemav2.Binning(
        nodetype="binning",
        input="NumTrueInteractions",
        edges=[float(edge) for edge in range(len(values) + 1)],
        content=values.tolist(),
        flow="clamp",
    )
