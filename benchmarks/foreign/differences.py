"""Known differences of the numbers of foreign configurations, with checks of their size."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.peer.comparison import Quantity
from benchmarks.peer.known_differences import explanation
from benchmarks.peer.running import Side

#: Kind of quantity → power of the luminosity that it is proportional to.
_POWERS = {"sumw": 1, "category_sumw": 1, "sumw2": 2, "category_sumw2": 2}
#: Mistakes in PocketCoffea's default parameters, which our side makes, too, when numbers are compared.
MISTAKEN_DEFAULTS = tuple(
    # It has exchanged the b-tag scale factors of the two halves of 2016.
    f"jet_scale_factors.btagSF.{year}.file=corrections://POG/BTV/{folder}/btagging.json.gz"
    for year, folder in (("2016_PreVFP", "2016postVFP_UL"), ("2016_PostVFP", "2016preVFP_UL"))
)
_OTHER_LUMINOSITY = "has the luminosity with other digits"

#: Largest difference in GeV of a missing momentum that its rounding explains: single precision for ten hard jets.
_ROUNDING = 1e-4

_PRINT_LUMINOSITIES = """
import json, sys
from pathlib import Path
import pocket_coffea, yaml
path = Path(pocket_coffea.__file__).parent / "parameters" / "lumi.yaml"
picobarns = yaml.safe_load(path.read_text())["lumi"]["picobarns"]
print(json.dumps({str(year): eras["tot"] for year, eras in picobarns.items()}))
"""


def upstream_luminosities(python: Path) -> dict[str, float]:
    """Return year → integrated luminosity in 1/pb of PocketCoffea's parameters."""
    command = [str(python), "-c", _PRINT_LUMINOSITIES]
    found: dict[str, float] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return found


def _is_rounded(quantity: Quantity, theirs: Side) -> bool:
    """Tell whether columns of a missing momentum differ by its rounding, which is absolute: it is a sum of jets."""
    *place, name = quantity.place
    met, _, field = name.rpartition("_")
    pt = theirs.columns.get("/".join((*place, f"{met}_pt")))
    if quantity.kind != "column" or "MET" not in met or field not in ("pt", "phi") or pt is None:
        return False
    if quantity.ours is None or quantity.theirs is None or quantity.ours.shape != quantity.theirs.shape:
        return False
    difference = np.abs(quantity.ours.astype(np.float64) - quantity.theirs) * (pt if field == "phi" else 1)
    return bool(np.all(difference <= _ROUNDING))


@dataclass(frozen=True)
class Explanations:
    """Rules that explain differences.

    Args:
        ratios: dataset → PocketCoffea's luminosity over ours.
    """

    ratios: Mapping[str, float]

    def explanation(self, quantity: Quantity, theirs: Side) -> str | None:
        """Return the name of the rules that explain a quantity, ``None`` if there are none.

        Args:
            quantity: numbers that differ.
            theirs: all output of PocketCoffea.
        """
        if name := explanation(quantity, theirs):
            return name
        if _is_rounded(quantity, theirs):
            return "sums the missing momentum of jets in single precision in another order"
        scaled = self._scaled(quantity)
        if scaled.equal:
            return _OTHER_LUMINOSITY
        name = explanation(scaled, theirs)
        return f"{_OTHER_LUMINOSITY}, and {name}" if name else None

    def _scaled(self, quantity: Quantity) -> Quantity:
        power = _POWERS.get(quantity.kind, 0)
        if quantity.kind == "column" and quantity.place[-1].startswith("weight"):
            power = 1
        ratio = next((self.ratios[name] for name in quantity.place if name in self.ratios), 1.0)
        return quantity if quantity.ours is None else replace(quantity, ours=quantity.ours * ratio**power)
