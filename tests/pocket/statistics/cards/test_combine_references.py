"""Fits of combine's own cards beside the results that its repository keeps as references of its tests.

``COMBINE_REPOSITORY`` is a checkout of https://github.com/cms-analysis/HiggsAnalysis-CombinedLimit; the commands that
its results come from are in its ``test/CMakeLists.txt``.
"""

from __future__ import annotations

import dataclasses
import os
import re
from pathlib import Path
from typing import Any

import pytest

from pocket.statistics import Likelihood, Model, find_interval, fit, read_datacard

REPOSITORY = Path(os.environ.get("COMBINE_REPOSITORY", "/nowhere"))
RANGE = {"r": (-5.0, 5.0)}

pytestmark = [
    pytest.mark.combine,
    pytest.mark.skipif(not REPOSITORY.is_dir(), reason="needs COMBINE_REPOSITORY, a checkout of combine"),
]


def read(card: str, **options: Any) -> Model:
    return read_datacard(REPOSITORY / "data" / card, **options)


def without(model: Model, masked: str) -> Model:
    """Return the model without a region, and what changes nothing else."""
    regions = tuple(region for region in model.regions if region.name != masked)
    used = {name for region in regions for name in (*region.shapes, *region.log_normals)}
    nuisances = tuple(name for name in model.nuisances if name in used)
    return dataclasses.replace(model, regions=regions, nuisances=nuisances, groups={})


def reference(name: str) -> dict[str, tuple[float, float, float]]:
    """Return parameter of interest → best value, and errors down and up."""
    text = (REPOSITORY / "test" / "references" / f"{name}.out").read_text()
    found = re.findall(r"^ +(\w+) : +([+-][\d.]+) +-([\d.]+)/\+([\d.]+) \(68%\)", text, re.MULTILINE)
    return {poi: (float(value), float(down), float(up)) for poi, value, down, up in found}


@pytest.mark.parametrize(
    ("name", "card", "mass", "maps", "masked"),
    [
        ("cmshistfunc", "ci/template-analysis_shapeInterp.txt", "200", (), ""),
        ("cmshistfunc_shapeN", "ci/template-analysis_shapeNInterp.txt", "200", (), ""),
        ("cmshistfunc_channel_masks", "ci/htt_multiple_regions.txt", "125", (), "htt_tt_2_8TeV"),
        ("template_analysis_large_integrals", "ci/templ_datacard_largeYields.txt", "120", (), ""),
        (
            "multi-signal",
            "tutorials/multiDim/toy-hgg-125.txt",
            "125",
            (".*/ggH.*:r_ggH[1,-5,20]", ".*/qqH.*:r_qqH[1,-5,20]"),
            "",
        ),
    ],
)
def test_fits_agree(name: str, card: str, mass: str, maps: tuple[str, ...], masked: str) -> None:
    model = read(card, mass=mass, maps=maps)
    if masked:
        model = without(model, masked)
    likelihood = Likelihood(model)
    best = fit(likelihood if maps else likelihood.adjusted(ranges=RANGE))
    expected = reference(name)
    assert set(expected) == set(model.pois)
    for poi, (value, down, up) in expected.items():
        interval = find_interval(best, poi)
        # Minima are found as precisely as Minuit does in combine.
        assert interval.value == pytest.approx(value, abs=0.03 * up)
        assert interval.errors == pytest.approx((down, up), rel=0.03)
