"""Weights for the parton distributions and the strong coupling, from NanoAOD's LHEPdfWeight.

The entries are w_k / w_nominal for the members of one set of LHAPDF. If the sample was made with another set, the
central member isn't 1. A member's shift is that of the observable against the central member, A_k − A_0, so it is
stored as the weight 1 + w_k − w_0, whose template is exactly nominal + A_k − A_0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from pocket.base.arguments import declarative
from pocket.base.typing import Floats
from pocket.errors import ConfigError, check_known
from pocket.histograms.combined import ENVELOPE, HESSIAN, REPLICAS, Combination
from pocket.histograms.one_sided import MIRROR, NONE
from pocket.weights.base import WeightData, WeightDataMultiVariation
from pocket.weights.generator_branches import GeneratorBranch, title_of
from pocket.weights.pdf_sets import KINDS, PAIRS, SYMMETRIC, PDFSet, Title, pdf_set
from pocket.weights.pdf_sets import REPLICAS as REPLICA_SET

#: Modes of the members: combined after filling by the set's own rule, as separate sources, combined by their envelope,
#: or combined in each event.
COMBINED, MEMBERS, EVENT = "combined", "members", "event"
MODES = (COMBINED, MEMBERS, ENVELOPE, EVENT)
_SOURCE = "LHEPdfWeight"
_ALPHAS = "alphas"
#: Sample that stands for all others.
_ANY = "*"
_DEFAULT = 306000

Which = int | str | PDFSet


class _PDFBranch(GeneratorBranch):
    """Base class of weights from LHEPdfWeight, whose sets are by sample, with ``*`` for all others."""

    sets: ClassVar[Mapping[str, PDFSet]] = {_ANY: pdf_set(_DEFAULT)}
    renormalised: ClassVar[bool] = False
    differs_by_dataset = True

    def __init__(self, params: Any, metadata: Mapping[str, Any]) -> None:
        super().__init__(params, metadata)
        sample = str(metadata.get("sample", ""))
        if sample not in self.sets and _ANY not in self.sets:
            raise ConfigError(
                f"weight {self.name!r} has no PDF set for sample {sample!r}, only for {', '.join(self.sets)}; "
                f"sets={{{sample!r}: …}} declares it"
            )
        #: The declared set.
        self.pdf_set = self.sets[sample] if sample in self.sets else self.sets[_ANY]

    def check_parameters(self) -> None:
        """Check that the means are there if they are needed; the set was looked up before."""
        if self.renormalised:
            self.mean_weights(_SOURCE)

    def found_set(self, events: Any) -> PDFSet:
        """Return the set that the title of the branch names, the declared one if the title names none."""
        title = Title.of(title_of(events, _SOURCE))
        if title is None:
            return self.pdf_set
        found = title.find([self.pdf_set])
        if found is None:
            kinds = " or ".join(map(repr, KINDS))
            raise ConfigError(
                f"weight {self.name!r}: the kind of PDF set {title} of sample {self.metadata.get('sample')!r} isn't "
                f"known, declare it as sets=PDFSet({title.first or 'its number'}, 'its name', kind, members) with the "
                f"kind {kinds}"
            )
        return found

    def central_and_members(self, events: Any, found: PDFSet, needs_alphas: bool) -> tuple[Floats, Floats, Floats]:
        """Return the weights of the central member (n,), of others (n, members), and of α_S down and up (n, 2 or 0)."""
        values = self.entries(events, _SOURCE)
        members, number = found.members, values.shape[1]
        if len(values) == 0:
            return np.ones(0), np.ones((0, members)), np.ones((0, 2))
        if self.renormalised:
            values = values / self.mean_weights(_SOURCE, number)
        # NanoAOD lacks the central member if it is the nominal one of the sample.
        allowed = (members, members + 1, *((members + 2, members + 3) if found.alphas else ()))
        if number not in allowed:
            raise ConfigError(
                f"weight {self.name!r}: PDF set {found.name} has {members} members, but {_SOURCE} of sample "
                f"{self.metadata.get('sample')!r} has {number} entries, expected {' or '.join(map(str, allowed))}"
            )
        if needs_alphas and number < members + 2:
            raise ConfigError(
                f"weight {self.name!r}: {_SOURCE} of sample {self.metadata.get('sample')!r}, PDF set {found.name}, has "
                "no entries for α_S"
            )
        first = (number - members) % 2
        central = values[:, 0] if first else np.ones(len(values))
        return central, values[:, first : first + members], values[:, first + members :]


class PDFWeight(_PDFBranch):
    """Uncertainty of the parton distributions, as variations of templates for each member; see :meth:`wrap`.

    This is ``sf_pdf`` for samples with 100 symmetric eigenvectors, such as NNPDF31_nnlo_hessian_pdfas (306000) and
    NNPDF31_nnlo_as_0118_mc_hessian_pdfas (325300), the sets of most samples of Run 2 and 3. The nominal weight is 1.
    """

    name = "sf_pdf"
    mode: ClassVar[str] = COMBINED
    with_alphas: ClassVar[bool] = False
    combination: ClassVar[Combination | None] = Combination("sf_pdf", HESSIAN, r"\d+")
    symmetrise: ClassVar[str | Mapping[str, str]] = {
        str(number + 1): MIRROR for number in range(pdf_set(_DEFAULT).sources)
    }

    def __init__(self, params: Any, metadata: Mapping[str, Any]) -> None:
        super().__init__(params, metadata)
        if self.mode != EVENT:
            numbers = (str(number + 1) for number in range(self.pdf_set.sources))
            self._variations = (*numbers, *([_ALPHAS] if self.with_alphas else []))

    @classmethod
    @declarative
    def wrap(
        cls,
        name: str = "sf_pdf",
        sets: Which | Mapping[str, Which] = _DEFAULT,
        mode: str = COMBINED,
        alphas: bool = False,
        renormalised: bool = False,
    ) -> type[PDFWeight]:
        """Return a weight class for other sets, or with another treatment of their members.

        Args:
            name: name of the weight.
            sets: LHAPDF number or name of the set of LHEPdfWeight, or a :class:`PDFSet`; a mapping by sample, with
                ``"*"`` for all others, if they have different ones. The title of the branch is checked against it.
            mode: ``combined`` stores each member as ``{name}_{k}``, and plots combine them to ``{name}`` as the set
                needs it (:mod:`pocket.histograms.combined`): the sum over eigenvectors, or the standard deviation of
                replicas. ``members`` leaves eigenvectors as separate sources. ``envelope`` combines by the envelope.
                ``event`` combines in each event to one pair, which takes less time and overestimates.
            alphas: whether the variations of α_S are added in quadrature; as a source of their own they are
                ``sf_alphas``.
            renormalised: whether each member keeps the sum of weights of the dataset, with ``LHEPdfSumw`` of its
                metadata (:func:`pocket.weights.generator_means`).

        Raises:
            UnknownNameError: for a set that isn't in the table, or another mode.
            ConfigError: if sets of different kinds are declared, or replicas as separate sources.

        Example:
            >>> NNPDF30 = PDFWeight.wrap("sf_pdf_nnpdf30", sets=292200)
            >>> NNPDF30.combination.rule, NNPDF30({}, {"sample": "TT"}).variation_names()[:2]
            ('replicas', ['sf_pdf_nnpdf30_1Up', 'sf_pdf_nnpdf30_2Up'])
        """
        check_known("mode", [mode], MODES, f"weight {name!r}")
        by_sample = {sample: _resolved(each) for sample, each in _by_sample(sets).items()}
        kinds = sorted({each.kind for each in by_sample.values()})
        if len(kinds) != 1:
            raise ConfigError(f"weight {name!r}: sets of the kinds {' and '.join(kinds)} need a weight for each kind")
        (kind,) = kinds
        if mode == MEMBERS and kind == REPLICA_SET:
            raise ConfigError(f"weight {name!r}: replicas are no sources of uncertainty, use mode='combined'")
        if alphas and (lacking := [each.name for each in by_sample.values() if not each.alphas]):
            raise ConfigError(f"weight {name!r}: PDF set {lacking[0]} has no members for α_S")
        sides = {SYMMETRIC: MIRROR, PAIRS: "", REPLICA_SET: NONE}[kind]
        most = max(each.sources for each in by_sample.values())
        rule = ENVELOPE if mode == ENVELOPE else REPLICAS if kind == REPLICA_SET else HESSIAN
        combined = mode in (COMBINED, ENVELOPE)
        return type(
            name,
            (cls,),
            {
                "name": name,
                "sets": by_sample,
                "mode": mode,
                "with_alphas": alphas,
                "renormalised": renormalised,
                "combination": Combination(name, rule, r"\d+", _ALPHAS if alphas else "") if combined else None,
                "symmetrise": {str(k + 1): sides for k in range(most)} if sides and mode != EVENT else "",
            },
        )

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return 1, and the variations relative to it.

        Raises:
            ConfigError: if the branch has another set than the declared one, or other entries than the set.
        """
        nominal = np.ones(size)
        if not self.needs_variations(shape_variation):
            return nominal
        found = self.found_set(events)
        if not found.is_like(self.pdf_set):
            raise ConfigError(
                f"weight {self.name!r} is declared for PDF set {self.pdf_set.name} ({self.pdf_set.kind}, "
                f"{self.pdf_set.members} members), but {_SOURCE} of sample {self.metadata.get('sample')!r} has "
                f"{found.name} ({found.kind}, {found.members} members): declare it, or a weight of its own kind, with "
                "PDFWeight.wrap(…, sets={sample: set})"
            )
        central, members, strong = self.central_and_members(events, found, needs_alphas=self.with_alphas)
        shifts, strong = (members - central[:, np.newaxis]) * found.scale, strong - central[:, np.newaxis]
        if self.mode == EVENT:
            high, low = _in_each_event(shifts, found.kind)
            if self.with_alphas:
                high = np.hypot(high, np.maximum(strong.max(axis=1), 0))
                low = np.hypot(low, np.minimum(strong.min(axis=1), 0))
            return WeightData(self.name, nominal, nominal + high, nominal - low)
        up = list(1 + shifts.T)
        down: list[Any] = [None] * len(up)
        if found.kind == PAIRS:
            up, down = up[::2], up[1::2]
        if self.with_alphas:
            up, down = [*up, 1 + strong[:, 1]], [*down, 1 + strong[:, 0]]
        return WeightDataMultiVariation(self.name, nominal, self.variations, up, down)


class AlphaS(_PDFBranch):
    """Uncertainty of the strong coupling: the last two of 103 entries of LHEPdfWeight, its lower and higher value.

    ``sf_alphas`` works for all sets with such members. Their α_S(m_Z) is 0.118 ± 0.002 for NNPDF 3.1, ± 0.001 for
    NNPDF 3.0, 4.0 and PDF4LHC21, and ± 0.0015 for PDF4LHC15, whose recommendation is ± 0.0015 (arXiv:1510.03865,
    section 6.3); ``scale`` of a subclass multiplies the shifts.

    Attributes:
        scale: factor on the shifts, such as 0.75 for NNPDF 3.1.
    """

    name = "sf_alphas"
    scale: ClassVar[float] = 1.0

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return 1, and the variations relative to it.

        Raises:
            ConfigError: if the set has no members for α_S.
        """
        nominal = np.ones(size)
        if not self.needs_variations(shape_variation):
            return nominal
        found = self.found_set(events)
        central, _, strong = self.central_and_members(events, found, needs_alphas=True)
        down, up = self.scale * (strong.T - central)
        return WeightData(self.name, nominal, 1 + up, 1 + down)


def _by_sample(sets: Which | Mapping[str, Which]) -> Mapping[str, Which]:
    return sets if isinstance(sets, Mapping) else {_ANY: sets}


def _resolved(which: Which) -> PDFSet:
    return which if isinstance(which, PDFSet) else pdf_set(which)


def _in_each_event(shifts: Floats, kind: str) -> tuple[Floats, Floats]:
    """Return the sizes of the combined shifts up and down, shape (n events,)."""
    if kind == REPLICA_SET:
        spread = np.std(shifts, axis=1, ddof=1)
        return spread, spread
    if kind == SYMMETRIC:
        size = np.sqrt((shifts**2).sum(axis=1))
        return size, size
    pairs = shifts.reshape(len(shifts), -1, 2)
    high, low = np.maximum(pairs.max(axis=2), 0), np.minimum(pairs.min(axis=2), 0)
    return np.sqrt((high**2).sum(axis=1)), np.sqrt((low**2).sum(axis=1))
