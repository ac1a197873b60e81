"""Combination of several variations of a template into one pair, after histograms were filled.

An envelope, or a sum in quadrature, of weights in each event is larger than that of the templates, since different
events may take different members. So all members are filled as variations, and are combined bin by bin here.

A = nominal, A_k = members, as in the recommendations of PDF4LHC15 (J. Butterworth et al., arXiv:1510.03865, section 6)
and of LHAPDF6 (A. Buckley et al., arXiv:1412.7420, section 3.4):

- ``hessian``: up is √Σ_k max(A_k⁺ − A, A_k⁻ − A, 0)², down the same with the smallest and 0; for symmetric
  eigenvectors, whose other side is mirrored, both are √Σ_k (A_k − A)² (equation 20).
- ``replicas``: the standard deviation √(Σ_k (A_k − ⟨A⟩)² / (N − 1)) around the nominal template (equation 21).
- ``envelope``: the largest and the smallest of all members and the nominal template.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pocket.errors import HistogramError, check_known
from pocket.histograms.both_sides import with_variations
from pocket.histograms.one_sided import NOMINAL, stem_of

HESSIAN, REPLICAS, ENVELOPE = "hessian", "replicas", "envelope"
RULES = (HESSIAN, REPLICAS, ENVELOPE)


@dataclass(frozen=True)
class Combination:
    r"""Rule that combines the variations ``{name}_{member}Up`` and ``Down`` into ``{name}Up`` and ``{name}Down``.

    Args:
        name: name of the combined variation.
        rule: ``hessian``, ``replicas`` or ``envelope``.
        members: regular expression of the members.
        quadrature: regular expression of further pairs, such as α_S, which are added in quadrature; empty for none.

    Raises:
        UnknownNameError: for another rule.

    Example:
        >>> Combination("sf_pdf", "hessian", r"\d+").find(["nominal", "sf_pdf_1Up", "sf_pdf_1Down", "pileupUp"])
        ['sf_pdf_1']
    """

    name: str
    rule: str
    members: str
    quadrature: str = ""

    def __post_init__(self) -> None:
        check_known("rule", [self.rule], RULES, f"combination {self.name!r}")

    def find(self, variations: Iterable[str], pattern: str | None = None) -> list[str]:
        """Return the members among variations, without ``Up`` and ``Down``, in order.

        Args:
            variations: names of variations.
            pattern: another regular expression than that of the members.
        """
        wanted = re.compile(f"{re.escape(self.name)}_(?:{self.members if pattern is None else pattern})")
        return list(dict.fromkeys(stem for stem in map(stem_of, variations) if wanted.fullmatch(stem)))


def combinations_of(weights: Iterable[Any]) -> tuple[Combination, ...]:
    """Return the combinations that classes of weights declare as ``combination``."""
    declared = (getattr(cls, "combination", None) for cls in weights)
    return tuple(each for each in declared if each is not None)


def with_combined(histogram: Any, combinations: Sequence[Combination]) -> Any:
    """Return a histogram in which members are replaced by their combination; the same histogram if it has none.

    Sums of squared weights of combined variations are the nominal ones.

    Args:
        histogram: with an axis ``variation``, or without; of one sample, since uncertainties of this kind are rarely
            correlated between processes. Templates of its datasets are added before.
        combinations: the rules.

    Raises:
        HistogramError: if there is no nominal template, or the combined variation is there already.

    Example:
        >>> import hist
        >>> names = ["nominal", "scale_aUp", "scale_bUp"]
        >>> h = hist.Hist(hist.axis.StrCategory(names, name="variation"), hist.axis.Integer(0, 1, name="x"))
        >>> h[:, 0] = [10.0, 12.0, 9.0]
        >>> combined = with_combined(h, [Combination("scale", "envelope", "[ab]")])
        >>> {name: float(combined[name, 0]) for name in combined.axes[0]}
        {'nominal': 10.0, 'scaleUp': 12.0, 'scaleDown': 9.0}
    """
    if "variation" not in histogram.axes.name:
        return histogram
    names = list(histogram.axes["variation"])
    found = {
        each: (each.find(names), each.find(names, each.quadrature) if each.quadrature else [])
        for each in combinations
        if each.find(names)
    }
    if not found:
        return histogram
    if NOMINAL not in names:
        raise HistogramError("variations can't be combined without the nominal template")
    gone = {f"{stem}{side}" for parts in found.values() for stems in parts for stem in stems for side in _SIDES}
    new = {f"{each.name}{side}" for each in found for side in _SIDES}
    if double := new & set(names):
        raise HistogramError(f"the variation {min(double)} exists already, so others can't be combined under this name")
    wanted = [name for name in names if name not in gone] + [f"{each.name}{side}" for each in found for side in _SIDES]
    return _filled(histogram, names, wanted, found)


_SIDES = ("Up", "Down")


def _filled(
    histogram: Any,
    names: Sequence[str],
    wanted: Sequence[str],
    found: Mapping[Combination, tuple[list[str], list[str]]],
) -> Any:
    import numpy as np

    result = with_variations(histogram, wanted)
    position = histogram.axes.name.index("variation")
    before, after = (np.moveaxis(each.view(flow=True), position, 0) for each in (histogram, result))
    has_variances = bool(before.dtype.names)
    values = before["value"] if has_variances else before
    target = after["value"] if has_variances else after
    nominal = values[names.index(NOMINAL)]

    def shifts(stems: Sequence[str]) -> tuple[Any, Any]:
        """Return the shifts on both sides, shape (n stems, bins…); a side that is missing has none."""
        zero = np.zeros_like(nominal)
        up, down = (
            np.array(
                [values[names.index(f"{stem}{side}")] - nominal if f"{stem}{side}" in names else zero for stem in stems]
            ).reshape(len(stems), *nominal.shape)
            for side in _SIDES
        )
        return up, down

    for each, (members, further) in found.items():
        high, low = combined_shifts(each.rule, shifts(members), shifts(further))
        target[wanted.index(f"{each.name}Up")] = nominal + high
        target[wanted.index(f"{each.name}Down")] = nominal + low
    return result


def combined_shifts(rule: str, members: tuple[Any, Any], further: tuple[Any, Any]) -> tuple[Any, Any]:
    """Return the shifts up and down of a combination, which may be those of anything that templates give.

    Shifts up and down of members have shape (members, bins…), those of further pairs, which are added in quadrature,
    (pairs, bins…).

    >>> import numpy as np
    >>> nothing = np.zeros((0, 1))
    >>> members = np.array([[2.0], [-1.0]]), np.zeros((2, 1))
    >>> high, low = combined_shifts("envelope", members, (nothing, nothing))
    >>> high.tolist(), low.tolist()
    ([2.0], [-1.0])
    """
    import numpy as np

    up, down = members
    if rule == REPLICAS:
        spread = np.std(up, axis=0, ddof=1) if len(up) > 1 else np.abs(up[0])
        high, low = spread, -spread
    elif rule == ENVELOPE:
        high = np.maximum(np.maximum(up, down).max(axis=0), 0)
        low = np.minimum(np.minimum(up, down).min(axis=0), 0)
    else:
        high, low = _quadrature(up, down)
    if len(further[0]):
        more = _quadrature(*further)
        high, low = np.hypot(high, more[0]), -np.hypot(low, more[1])
    return high, low


def _quadrature(up: Any, down: Any) -> tuple[Any, Any]:
    """Return the sums in quadrature of the largest and of the smallest shifts along each source."""
    import numpy as np

    high = np.sqrt((np.maximum(np.maximum(up, down), 0) ** 2).sum(axis=0))
    low = -np.sqrt((np.minimum(np.minimum(up, down), 0) ** 2).sum(axis=0))
    return high, low
