"""The plan of a skim: the events and the columns that it keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pocket.plan.processing import ProcessingPlan

_SKIM_PARTS = ("parameters", "workflow", "workflow_options", "datasets", "skim")

#: mode → the parts of a plan's specification (:meth:`pocket.plan.processing.ProcessingPlan.spec`) that determine the
#: selected events
MODES: Mapping[str, tuple[str, ...]] = {
    "skim": _SKIM_PARTS,
    "presel_any_variation": (*_SKIM_PARTS, "preselections", "shapes"),
}

#: columns that identify an event or normalise it
ALWAYS_KEPT = ("run", "luminosityBlock", "event", "genWeight")


@dataclass(frozen=True)
class SkimPlan:
    """What a skim keeps, see :class:`pocket.configuration.skim.Skim`, which checks it.

    >>> plan = SkimPlan("skim", keep=("Muon_*",))
    >>> plan.keeps("Muon_pt"), plan.keeps("Jet_pt"), plan.keeps("genWeight")
    (True, False, True)
    """

    mode: str = "skim"
    keep: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    compression: str = "LZ4"

    def spec(self, processing: ProcessingPlan) -> dict[str, Any]:
        """Return what determines the skim, for its fingerprint."""
        spec = processing.spec()
        return {"selection": {part: spec[part] for part in MODES[self.mode]}, **asdict(self)}

    def keeps(self, branch: str) -> bool:
        """Whether a column is copied; counters aren't checked here, because they follow the columns that they count."""
        if branch in ALWAYS_KEPT:
            return True
        kept = not self.keep or any(fnmatchcase(branch, pattern) for pattern in self.keep)
        return kept and not any(fnmatchcase(branch, pattern) for pattern in self.drop)
