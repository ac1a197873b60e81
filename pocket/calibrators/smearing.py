"""Smearing of jets in simulation, whose energy resolution is better than in data.

This is the hybrid method of https://twiki.cern.ch/twiki/bin/view/CMS/JetResolution: jets with a matched generated jet
are scaled relative to it, the others are smeared by a random number.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, Literal

import awkward as ak
import numpy as np
import numpy.typing as npt

from pocket.base.arrays.jagged import starts_of
from pocket.base.typing import Floats, Indices
from pocket.corrections.evaluation import named_correction
from pocket.corrections.files import load_correction
from pocket.errors import check_known

#: Smallest pt in GeV after smearing, as in CMSSW's SmearedJetProducerT (where it limits the energy).
PT_MIN = 0.01
#: Largest difference of pt between a jet and its generated jet, in units of the resolution.
MAX_DEVIATION = 3.0
Distribution = Literal["normal", "stdflat"]
#: Seeds of a random number: the event and the direction of the jet, which no calibration changes.
_ENTROPY = ("seed", "run", "luminosityBlock", "event", "eta", "phi")


def smear_factor(pt: Floats, gen_pt: Floats, resolution: Floats, scale_factor: Floats, normal: Floats) -> Floats:
    """Return the factor on the momentum of each jet, shape (n jets,).

    With a generated jet, it is 1 + (s - 1) (pt - gen_pt) / pt, otherwise 1 + normal * resolution * sqrt(max(s^2 - 1,
    0)), with s the ratio of resolutions in data and simulation, ``gen_pt`` 0 without a generated jet, and ``normal``
    random numbers with mean 0 and width 1.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = 1 + (scale_factor - 1) * (pt - gen_pt) / pt
        random = 1 + normal * resolution * np.sqrt(np.maximum(scale_factor**2 - 1, 0))
    return _positive(np.where(gen_pt > 0, scaled, random), pt)


def smearing_node(params: Any) -> tuple[str, str] | None:
    """Return (file, name) of the node that smears jets, ``jets_calibration.smearing``; ``None`` for our own way."""
    if params["jets_calibration"].get("smearing") is None:
        return None
    return named_correction(params, "jets_calibration", "smearing")


def node_smear_factor(node: tuple[str, str], inputs: Mapping[str, Any]) -> Floats:
    """Return the factor on the momentum of each jet that JME's node ``JERSmear`` gives, with (file, name) ``node``.

    The formula is that of :func:`smear_factor`. Inputs are JetPt and GenPt in GeV (0 or less without a generated jet),
    JetEta, Rho, EventID, JER (relative resolution) and JERSF (ratio of resolutions), shape (n jets,) each.
    """
    correction = load_correction(*node)
    pt = inputs["JetPt"]
    given = {**inputs, "GenPt": np.where(inputs["GenPt"] > 0, inputs["GenPt"], -1.0)}
    names = [variable.name for variable in correction.inputs]
    check_known("input", names, given, f"correction {node[1]!r} of jets_calibration.smearing")
    factor = np.asarray(correction.evaluate(*(given[name] for name in names)), dtype=np.float64)
    return _positive(factor, pt)


def _positive(factor: Floats, pt: Floats) -> Floats:
    """Return factors that leave each jet with some pt; jets without pt stay as they are."""
    if np.all(pt > 0):
        return np.maximum(factor, PT_MIN / pt)
    some = pt > 0
    return np.where(some, np.maximum(factor, np.divide(PT_MIN, pt, out=np.ones_like(pt), where=some)), 1.0)


def matched_gen_pt(
    jets: ak.Array, gen_jets: ak.Array, link: str, pt: Floats, resolution: Floats, radius: float
) -> Floats:
    """Return the pt in GeV of the generated jet that matches each jet, 0 without one, shape (n jets,).

    The candidate is the one that NanoAOD links. It matches if it is closer than half the radius in (eta, phi), and
    closer than three resolutions in pt.
    """
    linked, position = linked_positions(jets[link], gen_jets)
    gen_pt, gen_eta, gen_phi = (flat(gen_jets[field])[position] for field in ("pt", "eta", "phi"))
    eta, phi = (flat(jets[field])[linked] for field in ("eta", "phi"))
    distance = angular_distance(eta - gen_eta, phi - gen_phi)
    close = np.abs(pt[linked] - gen_pt) < MAX_DEVIATION * resolution[linked] * pt[linked]
    matched = np.zeros_like(pt)
    matched[linked] = np.where((distance < radius / 2) & close, gen_pt, 0)
    return matched


def linked_positions(links: ak.Array, targets: ak.Array) -> tuple[npt.NDArray[np.bool_], Indices]:
    """Return which objects are linked (n objects,), and the positions of their targets in the chunk (n linked,).

    A link is a position in the collection of the same event, -1 for none.

    Examples:
        >>> linked, positions = linked_positions(ak.Array([[0, -1], [1]]), ak.Array([[5.0], [6.0, 7.0]]))
        >>> linked.tolist(), positions.tolist()
        ([True, False, True], [0, 2])
    """
    n_targets, counts = np.asarray(ak.num(targets)), np.asarray(ak.num(links))
    local = np.asarray(ak.flatten(links), dtype=np.int64)
    linked = (local >= 0) & (local < np.repeat(n_targets, counts))
    return linked, (np.repeat(starts_of(n_targets), counts) + local)[linked]


def angular_distance(delta_eta: Floats, delta_phi: Floats) -> Floats:
    """Return the distance in (eta, phi), with differences of phi in full turns."""
    return np.asarray(np.hypot(delta_eta, np.remainder(delta_phi + np.pi, 2 * np.pi) - np.pi))


def normal_numbers(seed: int, events: ak.Array, jets: ak.Array) -> Floats:
    """Return a random number with mean 0 and width 1 for each jet, shape (n jets,).

    It depends on the seed, run, luminosityBlock, event, and eta and phi of the jet, but not on its pt, on other jets,
    or on the division of events into chunks.
    """
    return _random_numbers("normal", seed, events, jets)


def uniform_numbers(seed: int, events: ak.Array, objects: ak.Array) -> Floats:
    """Return a random number from 0 to 1 for each object, which depends on the same as :func:`normal_numbers`."""
    return _random_numbers("stdflat", seed, events, objects)


def _random_numbers(distribution: Distribution, seed: int, events: ak.Array, objects: ak.Array) -> Floats:
    counts = np.asarray(ak.num(objects))
    of_event = [
        np.repeat(np.asarray(events[name], dtype=np.float64), counts) for name in ("run", "luminosityBlock", "event")
    ]
    numbers = _generator(distribution).evaluate(float(seed), *of_event, flat(objects.eta), flat(objects.phi))
    return np.asarray(numbers, dtype=np.float64)


def flat(values: ak.Array) -> Floats:
    """Return jagged numbers as a flat array in double precision."""
    return np.asarray(ak.flatten(values), dtype=np.float64)


def as_stored(values: Floats, counts: npt.NDArray[Any] | ak.Array) -> ak.Array:
    """Return flat numbers as jagged ones in single precision, as NanoAOD stores them."""
    return ak.unflatten(values.astype(np.float32), counts)


@functools.cache
def _generator(distribution: Distribution) -> Any:
    # All inputs are real numbers, since correctionlib's integers have 32 bits.
    return hash_generator(dict.fromkeys(_ENTROPY, "real"), distribution)


def hash_generator(inputs: Mapping[str, Literal["int", "real"]], distribution: Distribution) -> Any:
    """Return correctionlib's hash-based generator, ``"normal"`` (mean 0, width 1) or ``"stdflat"`` (0 to 1).

    The names and types of what the random numbers are made of are part of the hash.
    """
    from correctionlib import schemav2

    return schemav2.Correction(
        name=distribution,
        version=1,
        inputs=[schemav2.Variable(name=name, type=kind) for name, kind in inputs.items()],
        output=schemav2.Variable(name=distribution, type="real"),
        data=schemav2.HashPRNG(nodetype="hashprng", inputs=list(inputs), distribution=distribution),
    ).to_evaluator()
