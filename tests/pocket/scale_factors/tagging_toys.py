"""Templates of a tagger's working point in two bins of pt, with known scale factors."""

from __future__ import annotations

from typing import Any

import hist
import numpy as np

from pocket.scale_factors import PassFailTemplate, Shape
from pocket.scale_factors.methods.pass_fail_template.inputs import TemplateInputs
from tests.pocket.scale_factors import template_toys

PT = (30.0, 60.0, 200.0)
FLAVOURS = {"b": 5, "c": 4, "light": 0}


#: True scale factors of the floating flavours, shape (flavours, bins of pt).
SCALE_FACTOR = np.repeat([[template_toys.SCALE_FACTOR[flavour]] for flavour in ("b", "c")], 2, axis=1)


def declaration(**changes: Any) -> PassFailTemplate:
    """What is measured, with changed arguments."""
    return PassFailTemplate(
        **{
            "input": "tagged",
            "variable": "sv_mass",
            "category": "jets",
            "axes": ("pt",),
            "data": ("data",),
            "mc": ("tt",),
            "discriminant": "sv_mass",
            "flavours": {flavour: (number,) for flavour, number in FLAVOURS.items()},
            "floating": ("b", "c"),
            "frozen": {"light": (1.0, template_toys.LIGHT - 1)},
            "fractions": {flavour: kappa - 1 for flavour, kappa in template_toys.RATES.items()},
            "free_normalisation": False,
            "systematics": (Shape("tilt"),),
            **changes,
        }
    )


def histograms(seed: int, **changes: Any) -> tuple[dict[str, hist.Hist[Any]], list[TemplateInputs]]:
    """Templates in two bins of pt, and what they were filled with."""
    toys = [template_toys.templates(seed + 1000 * number, **changes) for number in range(2)]
    edges = np.linspace(0, 1, toys[0].data.shape[1] + 1)
    axes = [
        hist.axis.Integer(0, 2, name="passing"),
        hist.axis.Variable(PT, name="pt"),
        hist.axis.IntCategory([0, 4, 5], name="flavor"),
        hist.axis.Variable(edges, name="sv_mass"),
    ]
    cat = hist.axis.StrCategory(["jets"], name="cat")
    variations = hist.axis.StrCategory(["nominal", "tiltUp", "tiltDown"], name="variation")
    data = hist.Hist(cat, *axes, storage=hist.storage.Weight())
    mc = hist.Hist(cat, variations, *axes, storage=hist.storage.Weight())
    order = [0, 4, 5]
    for number, toy in enumerate(toys):
        for region, passing in enumerate((1, 0)):
            # the flavour of data is unknown
            for content in (data.view().value, data.view().variance):
                content[0, passing, number, 0] = toy.data[region]
            for flavour, code in FLAVOURS.items():
                up, down = toy.nuisances["tilt_0"].shape[flavour]
                for index, values in enumerate((toy.nominal[flavour], up, down)):
                    mc.view().value[0, index, passing, number, order.index(code)] = values[region]
                    mc.view().variance[0, index, passing, number, order.index(code)] = toy.sumw2[flavour][region]
    return {"data": data, "tt": mc}, toys
