"""K factors: corrections of a sample's order in perturbation theory, as a function of generated quantities.

A K factor is a correction in a correctionlib file whose inputs are properties of the generated event: the transverse
momentum of a boson, the scalar sum of partons' transverse momenta, an invariant mass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import awkward as ak
import numpy as np
import numpy.typing as npt

from pocket.base.arguments import declarative
from pocket.base.arrays.fields import branch, collection, field
from pocket.corrections.bin_cache import Input, Inputs
from pocket.corrections.evaluation import evaluate
from pocket.errors import ConfigError, MissingBranchError
from pocket.weights.base import WeightWrapper
from pocket.weights.objects import flat

#: Path of a field of the events, such as ``LHE.Vpt``; a function of the events; or a constant, such as a string.
Source = str | Callable[[Any], Any] | float
#: Bits of GenPart_statusFlags: of the hard process, and its last copy.
_FROM_HARD_PROCESS, _IS_LAST_COPY = 1 << 8, 1 << 13
#: Absolute PDG codes of the Z, W and Higgs boson, of leptons, and of the photon.
BOSONS, LEPTONS, PHOTON = (23, 24, 25), (11, 12, 13, 14, 15, 16), 22


class KFactor(WeightWrapper):
    """Weight from a correction of generated quantities, see :meth:`wrap`."""

    corrections_by_sample: ClassVar[Mapping[str, tuple[str, str]]]
    inputs: ClassVar[Mapping[str, Source]]
    sides: ClassVar[Mapping[str, tuple[Mapping[str, str], Mapping[str, str]]]]
    nominal: ClassVar[Mapping[str, str]]
    differs_by_dataset = True

    @classmethod
    @declarative
    def wrap(
        cls,
        name: str,
        file: str | Mapping[str, str],
        correction: str | Mapping[str, str],
        inputs: Mapping[str, Source],
        nominal: Mapping[str, str] | None = None,
        variations: Mapping[str, tuple[Mapping[str, str], Mapping[str, str]]] | None = None,
    ) -> type[KFactor]:
        """Return a weight class; name it in ``bysample`` of the samples it is for.

        Args:
            name: name of the weight.
            file: the correctionlib file, by path or name; a mapping by sample for several. A sample that a mapping
                lacks has weight 1.
            correction: name of the correction in it, also as a mapping by sample.
            inputs: numeric input of the correction → path of a field, such as ``"LHE.Vpt"`` or ``"LHE.HT"``, or a
                function of the events that returns one number per event, such as :func:`boson_pt`.
            nominal: inputs that are strings → their values for the nominal weight, such as ``{"systematic":
                "nominal"}``.
            variations: name of a variation → values of such inputs for up and for down; the name ``""`` is for a weight
                with a single variation.

        Raises:
            ConfigError: if there are no inputs, or variations change an input that ``nominal`` doesn't have.

        Example:
            >>> Z = KFactor.wrap(
            ...     "k_z",
            ...     file="kfactors.json.gz",
            ...     correction="nnlo_qcd_z",
            ...     inputs={"pt": "LHE.Vpt"},
            ...     nominal={"systematic": "nominal"},
            ...     variations={"ew": ({"systematic": "ew_up"}, {"systematic": "ew_down"})},
            ... )
            >>> Z({}, {"sample": "DY"}).variation_names()
            ['k_z_ewUp', 'k_z_ewDown']
        """
        nominal, variations = dict(nominal or {}), dict(variations or {})
        if not inputs:
            raise ConfigError(
                f"weight {name!r}: inputs must name the inputs of the correction, e.g. {{'pt': 'LHE.Vpt'}}"
            )
        for variation, sides in variations.items():
            if len(sides) != 2 or not all(isinstance(side, Mapping) for side in sides):
                raise ConfigError(f"weight {name!r}: variation {variation!r} must have inputs for up and for down")
            if other := sorted({key for side in sides for key in side} - set(nominal)):
                raise ConfigError(
                    f"weight {name!r}: variation {variation!r} changes {', '.join(other)}, whose nominal value isn't "
                    "given"
                )
        if "" in variations and len(variations) > 1:
            raise ConfigError(f"weight {name!r}: all variations need names, if there are several")
        return type(
            name,
            (cls,),
            {
                "name": name,
                "corrections_by_sample": _by_sample(name, file, correction),
                "inputs": dict(inputs),
                "nominal": nominal,
                "sides": variations,
                "has_variations": bool(variations),
                "_variations": tuple(variation for variation in variations if variation),
            },
        )

    def corrections(self) -> Sequence[tuple[str, str]]:
        """Return file and name of the correction for the dataset's sample."""
        found = self._correction()
        return () if found is None else (found,)

    def _correction(self) -> tuple[str, str] | None:
        by_sample = self.corrections_by_sample
        return by_sample.get(str(self.metadata.get("sample")), by_sample.get("*"))

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return the weight with its variations.

        Raises:
            MissingBranchError: if the events lack a field.
            ConfigError: if an input isn't one number per event.
        """
        found = self._correction()
        if found is None:
            one = np.ones(size)
            return self.with_variations(one, shape_variation, lambda variation, side: one)
        file, name = found
        numbers: dict[str, Input] = {key: self._input(events, size, key, source) for key, source in self.inputs.items()}
        inputs = Inputs(numbers)

        def value(texts: Mapping[str, str]) -> Any:
            return np.broadcast_to(evaluate(file, name, inputs.with_texts({**self.nominal, **texts})), (size,))

        return self.with_variations(
            value({}), shape_variation, lambda variation, side: value(self.sides[variation][side == "down"])
        )

    def _input(self, events: Any, size: int, key: str, source: Source) -> npt.NDArray[Any]:
        place = f"weight {self.name!r}, input {key!r}"
        if isinstance(source, int | float):
            return np.full(size, float(source))
        try:
            column = field(events, source, "events") if isinstance(source, str) else source(events)
        except MissingBranchError as error:
            raise MissingBranchError(f"{place}: {error}") from None
        return flat(column if isinstance(column, ak.Array) else ak.Array(column), place, "event")


def _by_sample(
    name: str, file: str | Mapping[str, str], correction: str | Mapping[str, str]
) -> dict[str, tuple[str, str]]:
    """Return sample → file and name, with ``*`` for all samples."""
    if isinstance(file, str) and isinstance(correction, str):
        return {"*": (file, correction)}
    files = file if isinstance(file, Mapping) else dict.fromkeys(correction, file)
    corrections = correction if isinstance(correction, Mapping) else dict.fromkeys(file, correction)
    if set(files) != set(corrections):
        raise ConfigError(
            f"weight {name!r}: file and correction are for different samples, {', '.join(sorted(files))} and "
            f"{', '.join(sorted(corrections))}"
        )
    return {sample: (files[sample], corrections[sample]) for sample in files}


def boson_pt(events: Any) -> npt.NDArray[np.float64]:
    """Return the transverse momentum of the generated γ, Z, W or Higgs boson in GeV, shape (n events,).

    It is the last copy of a Z, W or Higgs boson from the hard process. If the generator's record has none, as for
    off-shell ones of MadGraph, it is that of the sum of the hard process' leptons; without these it is that of its
    photon, or 0.

    Raises:
        UnknownNameError: if the events have no GenPart.
        MissingBranchError: if it lacks a branch.

    Example:
        >>> import awkward as ak
        >>> z = {"pt": 30.0, "phi": 0.0, "pdgId": 23, "status": 62, "statusFlags": (1 << 8) | (1 << 13)}
        >>> boson_pt(ak.Array({"GenPart": [[z], []]})).tolist()
        [30.0, 0.0]
    """
    particles = collection(events, "GenPart")
    code = abs(branch(particles, "pdgId", "GenPart"))
    wanted = _FROM_HARD_PROCESS | _IS_LAST_COPY
    is_last = (branch(particles, "statusFlags", "GenPart") & wanted) == wanted

    def summed(codes: tuple[int, ...], most: int | None = None) -> npt.NDArray[np.float64]:
        chosen = particles[is_last & ak.any([code == each for each in codes], axis=0)][:, :most]
        pt, phi = (ak.values_astype(branch(chosen, name, "GenPart"), np.float64) for name in ("pt", "phi"))
        total = np.hypot(ak.sum(pt * np.cos(phi), axis=1), ak.sum(pt * np.sin(phi), axis=1))
        # Without such a particle, the sum isn't the one that is looked for.
        return np.asarray(ak.to_numpy(ak.where(ak.num(pt, axis=1) > 0, total, np.nan)), dtype=np.float64)

    found = summed(BOSONS, 1)
    for other in (summed(LEPTONS), summed((PHOTON,), 1), np.zeros(len(found))):
        found = np.where(np.isnan(found), other, found)
    return found
