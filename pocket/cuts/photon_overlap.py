"""Cut that removes the overlap of a process with the same process and a photon, such as tt̄ and tt̄γ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt

from pocket.base.arrays.fields import collection
from pocket.cuts.cut import Cut
from pocket.errors import ConfigError, check_known
from pocket.objects.gen_photons import prompt_photons

#: Phase space of the photon in samples of CMS with a photon: lowest pt in GeV, largest |η|, smallest ΔR to others, as
#: in CMS' measurement of tt̄γ (TOP-18-010, arXiv:2107.01508).
PHASE_SPACES: Mapping[str, tuple[float, float, float]] = {
    "ttgamma": (10.0, 5.0, 0.1),
    "tgamma": (10.0, 2.6, 0.05),
    "wgamma": (10.0, 2.5, 0.5),
    "zgamma": (16.0, 2.6, 0.05),
}


def passes_photon_overlap(
    events: ak.Array, params: Mapping[str, Any], *, sample: str = "", **kwargs: Any
) -> npt.NDArray[np.bool_]:
    """Return the mask of events that their sample is used for, see :func:`get_photon_overlap`."""
    if sample not in (*params["inclusive"], *params["photon"]):
        return np.ones(len(events), dtype=np.bool_)
    particles = collection(events, "GenPart")
    photons = prompt_photons(particles, params["minpt"], params["maxeta"], params["isolation"])
    has_photon = np.asarray(ak.num(photons, axis=1) > 0)
    return has_photon if sample in params["photon"] else ~has_photon


def get_photon_overlap(
    inclusive: Sequence[str],
    photon: Sequence[str],
    phase_space: str = "",
    *,
    minpt: float | None = None,
    maxeta: float | None = None,
    isolation: float | None = None,
    name: str = "photon_overlap",
) -> Cut:
    """Return a cut that leaves each event with a generated photon to one of two kinds of samples.

    Events of ``inclusive`` with a prompt isolated photon (:func:`pocket.objects.prompt_photons`) are rejected, and so
    are events of ``photon`` without one. All other samples, and data, pass.

    Args:
        inclusive: samples without a photon in the hard process, such as TTToSemiLeptonic.
        photon: samples with one, such as TTGamma_SingleLept; empty, if they are used as they are.
        phase_space: ``ttgamma``, ``tgamma``, ``wgamma`` or ``zgamma`` for that of CMS' samples.
        minpt: lowest pt of the photon in GeV, instead of that of ``phase_space``.
        maxeta: |η| of the photon that isn't reached, the same.
        isolation: smallest ΔR to other stable particles, the same.
        name: name of the cut.

    Raises:
        UnknownNameError: for another phase space.
        ConfigError: if a limit is missing, there is no inclusive sample, or one is of both kinds.

    Example:
        >>> cut = get_photon_overlap(["TTToSemiLeptonic"], ["TTGamma_SingleLept"], "ttgamma")
        >>> cut.params["minpt"], cut.params["isolation"]
        (10.0, 0.1)
    """
    where = f"cut {name!r}"
    check_known("phase space", [phase_space] if phase_space else [], PHASE_SPACES, where)
    if isinstance(inclusive, str) or isinstance(photon, str) or not inclusive:
        raise ConfigError(f"{where}: inclusive and photon must be lists of samples, the first with at least one")
    if both := sorted(set(inclusive) & set(photon)):
        raise ConfigError(f"{where}: sample {both[0]!r} is both inclusive and with a photon")
    own = (minpt, maxeta, isolation)
    known = PHASE_SPACES.get(phase_space, (None, None, None))
    limits = {
        key: given if given is not None else default
        for key, given, default in zip(("minpt", "maxeta", "isolation"), own, known, strict=True)
    }
    if missing := [key for key, value in limits.items() if value is None]:
        raise ConfigError(f"{where} needs {', '.join(missing)}, or a phase_space: {', '.join(PHASE_SPACES)}")
    return Cut(
        name=name,
        params={"inclusive": list(inclusive), "photon": list(photon), **limits},
        function=passes_photon_overlap,
    )
