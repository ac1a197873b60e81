"""Files of tau corrections in the group's schema, for the years of which there is none beside the checkout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import correctionlib.schemav2 as cs
import numpy as np

from pocket.toys.correction_nodes import category
from tests.pocket.correction_files import write_corrections
from tests.pocket.weights.objects import nested, with_inputs

MODES = (0, 1, 10, 11)
SIDES = ("up", "down")


def number(*path: Any) -> float:
    """Return a number around 1 that belongs to a path."""
    return float(np.random.default_rng(sum(31 * sum(map(ord, str(key))) for key in path)).uniform(0.95, 1.05))


def bins(variable: str, edges: Sequence[float], content: Sequence[Any]) -> cs.Binning:
    """Return bins whose ends also hold beyond them."""
    return cs.Binning(nodetype="binning", input=variable, edges=list(edges), content=list(content), flow="clamp")


def abs_eta(content: cs.Binning) -> cs.Transform:
    """Return bins in the absolute value of eta."""
    rule = cs.Formula(nodetype="formula", expression="abs(x)", parser="TFormula", variables=["eta"])
    return cs.Transform(nodetype="transform", input="eta", rule=rule, content=content)


def uncertainties(keys: Sequence[str], *path: Any) -> cs.Category:
    """Return an own value for each uncertainty, and the nominal value for any other one."""
    items = [cs.CategoryItem(key=key, value=number(*path, key)) for key in keys]
    return cs.Category(nodetype="category", input="syst", content=items, default=number(*path, "nom"))


def by_match(content: Mapping[tuple[int, ...], Any]) -> cs.Category:
    """Return contents for some generated particles, and 1 for all others."""
    known = {match: node for matches, node in content.items() for match in matches}
    return category("genmatch", {match: known.get(match, 1.0) for match in range(7)})


def sources(period: str, run_3: bool) -> dict[str, list[str]]:
    """Return form of the scale factors against jets → its uncertainties."""
    by_mode = [f"stat{each}_dm{mode}" for each in (1, 2) for mode in MODES] + ["syst_alleras", f"syst_{period}"]
    by_mode += [f"syst_{'TES_' if run_3 else ''}{period}_dm{mode}" for mode in MODES]
    in_pt = ["stat_highpT_bin1", "stat_highpT_bin2", "syst_highpT", "syst_highpT_extrap"]
    return {
        "dm": [f"{name}_{side}" for name in by_mode for side in SIDES],
        "pt": [*SIDES, *(f"{name}_{side}" for name in in_pt for side in SIDES)],
    }


def write_tau_file(path: Path, tagger: str, period: str) -> str:
    """Write a file with the corrections of a period.

    Args:
        path: the file.
        tagger: ``DeepTau2017v2p1`` (Run 2) or ``DeepTau2018v2p5`` (Run 3), which have different inputs.
        period: the period in the names of uncertainties, e.g. ``2022_preEE``.
    """
    run_3 = tagger == "DeepTau2018v2p5"
    keys = sources(period, run_3)
    points = {"wp": ["Loose", "Medium", "Tight"], "wp_VSe": ["VVLoose", "Tight"]}

    def by_mode(*path: str) -> Any:
        return category(
            "dm",
            {
                mode: bins("pt", [20, 40, 140], [uncertainties(keys["dm"], *path, mode, step) for step in (0, 1)])
                for mode in MODES
            },
        )

    def in_pt(*path: str) -> Any:
        return bins("pt", [20, 140, 200, 10_000], [uncertainties(keys["pt"], *path, "pt", step) for step in range(3)])

    against_jets = category(
        "flag",
        {"pt": by_match({(5,): nested(points, in_pt)}), "dm": by_match({(5,): nested(points, by_mode)})},
    )

    def three(*path: Any) -> cs.Category:
        return category("syst", {key: number(*path, key) for key in ("nom", "up", "down")})

    def per_mode(*path: Any) -> Any:
        return category(
            "dm", {mode: abs_eta(bins("eta", [0, 1.5, 2.5], [three(*path, mode, i) for i in (0, 1)])) for mode in MODES}
        )

    def regions(edges: Sequence[float], *path: Any) -> Any:
        return abs_eta(bins("eta", edges, [three(*path, step) for step in range(len(edges) - 1)]))

    electrons = nested(
        {"wp": ["VVLoose", "Tight"]},
        (lambda wp: per_mode("e", wp)) if run_3 else (lambda wp: regions([0, 1.46, 1.56, 2.3], "e", wp)),
    )
    muons = nested({"wp": ["VLoose", "Tight"]}, lambda wp: regions([0, 0.4, 0.8, 1.2, 1.7, 2.3], "mu", wp))

    def scale(*path: str) -> Any:
        genuine = category("dm", {mode: three(*path, "tau", mode) for mode in MODES})
        return by_match({(5,): genuine, (1, 3): per_mode(*path, "es"), (2, 4): three(*path, "mu")})

    by_id = {"id": [tagger], **({"wp": points["wp"], "wp_VSe": points["wp_VSe"]} if run_3 else {})}
    real, integer, text = "real", "int", "string"
    mode = {"dm": integer} if run_3 else {}
    texts = {"wp": text, "wp_VSe": text} if run_3 else {}
    return write_corrections(
        path,
        with_inputs(
            f"{tagger}VSjet",
            against_jets,
            pt=real,
            dm=integer,
            genmatch=integer,
            wp=text,
            wp_VSe=text,
            syst=text,
            flag=text,
        ),
        with_inputs(
            f"{tagger}VSe", by_match({(1, 3): electrons}), eta=real, **mode, genmatch=integer, wp=text, syst=text
        ),
        with_inputs(f"{tagger}VSmu", by_match({(2, 4): muons}), eta=real, genmatch=integer, wp=text, syst=text),
        with_inputs(
            "tau_energy_scale",
            nested(by_id, scale),
            pt=real,
            eta=real,
            dm=integer,
            genmatch=integer,
            id=text,
            **texts,
            syst=text,
        ),
    )
