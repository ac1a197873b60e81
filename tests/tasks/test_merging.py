from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import uproot

from pocket.analysis import load_analysis
from pocket.outputs import read_output, read_sums, read_templates
from pocket.parameters.defaults import to_plain
from pocket.store import read_manifest
from tests.law_runner import Law
from tests.oracle import check_output, event_loop
from tests.real_files import real_file
from tests.tasks.chain import Chain
from tests.tasks.test_messages import corrupt, truncate

SIMULATION = ("DYJetsToLL_2018", "DYJetsToLL")
DATA = ("DATA_DoubleMuon_2018_EraA", "DATA_DoubleMuon")


@pytest.mark.parametrize("options", [[], ["--events-per-branch", "17", "--chunk-size", "9"]])
def test_real_files_give_what_a_plain_event_loop_gives(tmp_path: Path, options: list[str]) -> None:
    """The command of the documentation on real CMS NanoAOD, sums of squared weights included."""
    law = Law(tmp_path, {"POCKET_SAMPLES": str(real_file("nano_dy.root").parent)})
    run = law.run("PlotTemplates", "--config", "real_samples", "--version", "v1", "--variables", "mll", *options)
    assert run.code == 0, run.text
    (folder,) = law.outputs("MergeOutputs")
    params = to_plain(load_analysis("zmumu").configs["real_samples"].parameters)
    merged = read_output(folder)
    sums = event_loop(real_file("nano_dy.root"), params, is_mc=True)
    factor = params["lumi"]["picobarns"]["2018"]["tot"] * 6077.22 / sums.genweights
    check_output(merged, *SIMULATION, sums, factor)
    check_output(merged, *DATA, event_loop(real_file("nano_dimuon.root"), params, is_mc=False))
    assert len(list(law.outputs("RunProcessor"))) == (6 if options else 2)


@pytest.mark.parametrize("damage", [truncate, corrupt])
def test_bad_files_are_left_out_recorded_and_normalised(on_files: Chain, damage: object) -> None:
    assert callable(damage)
    damage(on_files)
    run = on_files.run("MergeOutputs", "--config", "main", "--skip-bad-files")
    assert run.code == 0, run.text
    folder = on_files.output("MergeOutputs", "main")
    manifest = read_manifest(folder)
    assert manifest is not None
    assert [Path(path).name for path in manifest.info["skipped"]] == ["dy_1.root"]

    with uproot.open(on_files.analysis / "dy_0.root") as file:
        weights = file["Events"]["genWeight"].array(library="np").astype(np.float64)
    sums = read_sums(folder)
    (total,) = sums["sum_genweights"].values()
    assert total == pytest.approx(weights.sum(), rel=1e-12)
    assert sums["cutflow"]["initial"]["DYJetsToMuMu_toys"] == len(weights)
    # what is left is normalised to the cross section: it expects as many events as before
    templates = read_templates(folder, "npvs")["DYJetsToMuMu"]
    expected = sums["sumw"]["baseline"]["DYJetsToMuMu_toys"]["DYJetsToMuMu"]["nominal"]
    assert templates.sum(flow=True).value == pytest.approx(expected, rel=1e-12)
    assert 0.3 < expected / (2000.0 * 80.0 * 0.005) < 1.0

    # without the switch the output doesn't count, and the file is an error again
    again = on_files.run("MergeOutputs", "--config", "main")
    assert again.code != 0
    assert "dy_1.root" in again.errors[0]
    # with it nothing has to run
    assert on_files.run("MergeOutputs", "--config", "main", "--skip-bad-files").executed == []
