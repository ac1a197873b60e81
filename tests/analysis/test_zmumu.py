from __future__ import annotations

import os
import subprocess
import sys

import pytest

from pocket.base.fingerprint import digest
from pocket.configuration.analysis import load_analysis

CONFIGS = (
    *("tnp", "tnp_closure", "trigger_eff", "trigger_closure", "dy_pt"),
    *("nominal", "calibrated", "calibrated_root", "real_samples"),
)
PROBES, SPECTRA = CONFIGS[:4], CONFIGS[4:]
PRINT_DIGESTS = """
from pocket.configuration.analysis import load_analysis
from pocket.base.fingerprint import digest
for config in load_analysis("zmumu").configs.values():
    print(digest(config.processing_spec()))
"""


def test_configurations() -> None:
    analysis = load_analysis("zmumu")
    assert tuple(analysis.configs) == CONFIGS
    assert analysis.default_config == "calibrated"
    # each is measured with those before it
    order = ("muon_id", "trigger", "dy_pt")
    assert tuple(analysis.scale_factors) == order
    for position, name in enumerate(order):
        declaration = analysis.scale_factor(name)
        assert analysis.config(declaration.input).scale_factors == declaration.upstream == order[:position]
    assert analysis.config("calibrated").scale_factors == order
    assert analysis.config("nominal").scale_factors == ()
    assert analysis.config("calibrated_root").scale_factors == order


@pytest.mark.slow
def test_fingerprints_are_the_same_in_every_process() -> None:
    here = [digest(config.processing_spec()) for config in load_analysis("zmumu").configs.values()]
    assert len(set(here)) == len(CONFIGS)
    for seed in ("0", "1"):
        run = subprocess.run(
            [sys.executable, "-c", PRINT_DIGESTS],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert run.stdout.split() == here


@pytest.mark.parametrize(
    ("override", "changed"),
    [
        ("dimuon.mass_low=61", SPECTRA),
        ("dimuon.leading_pt=28", SPECTRA),
        ("dimuon.peak=91", SPECTRA[:-1]),
        ("tag_and_probe.tag_pt=30", PROBES),
        ("object_preselection.Muon.pt=25", CONFIGS),
        ("object_preselection.Photon.pt=25", ()),
        ("pileup.2016_PreVFP.name=another", ()),
        ("muon_scale.toys.uncertainty=0.1", ()),
        ("lumi.picobarns.toys.tot=81", ()),
        ("plotting_style.label=Preliminary", ()),
        ("toys.seed=1", ()),
    ],
)
def test_a_parameter_changes_what_reads_it(override: str, changed: tuple[str, ...]) -> None:
    before, after = load_analysis("zmumu"), load_analysis("zmumu", (override,))
    specs = [{name: digest(config.processing_spec()) for name, config in a.configs.items()} for a in (before, after)]
    # lumi is for the merging
    assert {name for name in CONFIGS if specs[0][name] != specs[1][name]} == set(changed)
