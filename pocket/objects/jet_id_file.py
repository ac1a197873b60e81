"""Identification of jets by JetMET's correctionlib file, jetid.json.gz, for NanoAOD from version 13 on.

It has a correction per size of jets and working point, ``AK4PUPPI_Tight``, ``AK4PUPPI_TightLeptonVeto`` and the same of
``AK8PUPPI``, whose value is 1 for jets that pass. Source: POG/JME and examples/jetidExample.py of
https://gitlab.cern.ch/cms-nanoAOD/jsonpog-integration.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt

from pocket.base.arrays.fields import branch
from pocket.base.arrays.jagged import counts_of, flat_values
from pocket.corrections.evaluation import evaluate
from pocket.corrections.files import load_correction

#: Input that NanoAOD doesn't store → the branches whose sum it is.
_SUMS = {"multiplicity": ("chMultiplicity", "neMultiplicity")}


def identification_of_file(jets: ak.Array, jet_type: str, file: str, working_points: Mapping[str, int]) -> ak.Array:
    """Return the identification of jets with the bits of Jet_jetId, shape (n events, n jets).

    The jets are AK8 jets if the name of the collection begins with ``"FatJet"``, else AK4 jets.
    """
    size = "AK8PUPPI" if jet_type.startswith("FatJet") else "AK4PUPPI"
    columns: dict[str, npt.NDArray[Any]] = {}
    bits: Any = 0
    for working_point, bit in working_points.items():
        name = f"{size}_{working_point}"
        for variable in load_correction(file, name).inputs:
            columns.setdefault(variable.name, _column(jets, variable.name, jet_type))
        bits = bits + np.where(evaluate(file, name, columns) != 0, bit, 0)
    return ak.unflatten(bits, counts_of(jets))


def _column(jets: ak.Array, name: str, jet_type: str) -> npt.NDArray[np.float64]:
    parts = [flat_values(branch(jets, part, jet_type)) for part in _SUMS.get(name, (name,))]
    # Multiplicities are stored in one byte, which their sum may exceed.
    return np.asarray(np.sum([part.astype(np.float64) for part in parts], axis=0), dtype=np.float64)
