from __future__ import annotations

import os
import subprocess
import sys

import pytest

from pocket.analysis import load_analysis
from pocket.fingerprint import digest

CONFIGS = ("tnp", "trigger_eff", "nominal", "calibrated", "real_samples")
PRINT_DIGESTS = """
from pocket.analysis import load_analysis
from pocket.fingerprint import digest
for config in load_analysis("zmumu").configs.values():
    print(digest(config.processing_spec()))
"""


def test_configurations() -> None:
    analysis = load_analysis("zmumu")
    assert tuple(analysis.configs) == CONFIGS
    assert analysis.default_config == "calibrated"
    assert analysis.config("calibrated").scale_factors == ("muon_id", "trigger")
    assert analysis.config("nominal").scale_factors == ()


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
        ("dimuon.mass_low=61", CONFIGS),
        ("tag_and_probe.tag_pt=30", CONFIGS),
        ("plotting_style.label=Preliminary", ()),
        ("toys.seed=1", ()),
    ],
)
def test_a_parameter_changes_what_reads_it(override: str, changed: tuple[str, ...]) -> None:
    before, after = load_analysis("zmumu"), load_analysis("zmumu", (override,))
    specs = [{name: digest(config.processing_spec()) for name, config in a.configs.items()} for a in (before, after)]
    # the processor may read any parameter but those of the plots and the toys
    assert {name for name in CONFIGS if specs[0][name] != specs[1][name]} == set(changed)
