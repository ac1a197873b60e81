from __future__ import annotations

import json
import shutil
from typing import Any

import numpy as np
import pytest
import uproot

from pocket.histograms.files import read_output
from tasks.chain.merging import MergeOutputs
from tasks.chain.skimming import BuildSkimDatasets, SkimEvents
from tests.tasks.small_chain import Chain

pytestmark = pytest.mark.slow

DY, DATA = "DYJetsToMuMu_toys", "DATA_SingleMuon_toys"
PRESEL = 'mode="presel_any_variation"'


def skim(chain: Chain, skims: str) -> None:
    """Let configurations of the small analysis read skims."""
    chain.edit("__init__.py", 'compare={"corrected": "main"},', f'compare={{"corrected": "main"}},\n    skims={skims},')
    chain.edit(
        "__init__.py",
        "from pocket.weights.scale_factor",
        "from pocket.configuration.skim import Skim\nfrom pocket.weights.scale_factor",
    )


def merged(chain: Chain, **params: Any) -> dict[str, Any]:
    return read_output(chain.task(MergeOutputs, config="main", **params).directory)


def check_same(merged: dict[str, Any], before: dict[str, Any], but: tuple[str, ...] = ()) -> None:
    """Check that a configuration gives the same with a skim as without."""
    for key in ("sum_genweights", "sum_signOf_genweights"):
        assert merged[key] == pytest.approx(before[key], rel=1e-12)
        assert merged[key][DY] > 0
    assert {key: counts for key, counts in merged["cutflow"].items() if key not in but} == {
        key: counts for key, counts in before["cutflow"].items() if key not in but
    }
    for key in ("sumw", "sumw2"):
        for dataset, samples in merged[key]["baseline"].items():
            for sample, values in samples.items():
                assert values == pytest.approx(before[key]["baseline"][dataset][sample], rel=1e-12)
    assert set(merged["variables"]) == set(before["variables"])
    for name, samples in merged["variables"].items():
        for sample, datasets in samples.items():
            for dataset, histogram in datasets.items():
                expected = before["variables"][name][sample][dataset]
                for values in ("values", "variances"):
                    found = getattr(histogram, values)(flow=True)
                    np.testing.assert_allclose(found, getattr(expected, values)(flow=True), rtol=1e-12)


def test_what_a_skim_keeps_decides_its_fingerprint(chain: Chain) -> None:
    before = 'Skim(config="main")'
    skim(chain, f'{{"main": {before}}}')
    found = {chain.task(SkimEvents, config="main").fingerprint}
    for options in ('drop=["HLT_*"]', 'keep=["Muon_*"]', 'compression="ZSTD"', PRESEL):
        after = f'Skim(config="main", {options})'
        chain.edit("__init__.py", before, after)
        found.add(chain.task(SkimEvents, config="main").fingerprint)
        before = after
    assert len(found) == 5


def test_processor_reads_the_skim(chain: Chain) -> None:
    before = read_output(chain.output("MergeOutputs", "main"))
    skim(chain, '{"main": Skim(config="main", mode="presel_any_variation", drop=["HLT_*"])}')
    assert chain.build(MergeOutputs, config="main") == [
        "SkimEvents main",
        "BuildSkimDatasets main",
        "RunProcessor main",
        "MergeOutputs main",
    ]
    # events that fail the preselection are not in the skim, so the skim cuts alone pass fewer
    after = merged(chain)
    check_same(after, before, but=("skim",))
    assert after["variables"]["muon_pt"]["DYJetsToMuMu"][DY].sum(flow=True).value > 0
    fileset = chain.task(BuildSkimDatasets, config="main").fileset()
    for dataset in (DY, DATA):
        metadata = fileset[dataset]["metadata"]
        assert metadata["nevents"] == before["cutflow"]["presel"][dataset]["nominal"]
        assert metadata["nevents_before_skim"] == before["cutflow"]["initial"][dataset]
    for path in fileset[DY]["files"]:
        with uproot.open(path) as file:
            assert not file["Events"].keys(filter_name="HLT_*")
            assert file["Events"].keys(filter_name="Flag_*")
    assert chain.build(MergeOutputs, config="main") == []
    # another binning needs no other skim
    chain.edit("__init__.py", "bins=20, start=0, stop=80", "bins=40, start=0, stop=80")
    assert chain.build(MergeOutputs, config="main") == ["RunProcessor main", "MergeOutputs main"]
    # files made again are the same ones as before, for what was made from them
    branches = chain.ids("RunProcessor", "main")
    for folder in chain.outputs("SkimEvents", "main"):
        shutil.rmtree(folder)
    chain.build(MergeOutputs, config="main")
    assert chain.ids("RunProcessor", "main") == branches
    assert chain.task(BuildSkimDatasets, config="main").fileset() == fileset


def test_processor_reads_the_skim_of_another_configuration(chain: Chain) -> None:
    before = read_output(chain.output("MergeOutputs", "main"))
    skim(chain, '{"main": Skim(config="probes")}')
    ran = chain.build(MergeOutputs, config="main")
    assert ran == ["SkimEvents probes", "BuildSkimDatasets probes", "RunProcessor main", "MergeOutputs main"]
    # the skim cuts are the same, so what passes them is, too
    check_same(merged(chain), before)
    # the configuration that was skimmed reads the original files still
    assert "RunProcessor probes" not in chain.build()


FEW = """

def few(events: Any, params: Any, *, isMC: bool, **kwargs: Any) -> Any:
    return (events.event % 1000 < 12) & isMC


def get_few() -> Cut:
    return Cut(name="few", params={}, function=few)
"""


def test_chunks_without_survivors_count(chain: Chain) -> None:
    chain.edit("__init__.py", "skim=[get_nPVgood(1)]", "skim=[get_few()]")
    chain.edit("__init__.py", "from .cuts import", "from .cuts import get_few,")
    (chain.analysis / "cuts.py").write_text((chain.analysis / "cuts.py").read_text() + FEW)
    chain.build(MergeOutputs, config="main", events_per_branch=300)
    before = merged(chain, events_per_branch=300)
    skim(chain, '{"main": Skim(config="main")}')
    chain.build(MergeOutputs, config="main", events_per_branch=300)
    after = merged(chain, events_per_branch=300)
    check_same(after, before)
    assert after["variables"]["muon_pt"]["DYJetsToMuMu"][DY].sum(flow=True).value > 0
    folders = [folder for folder in chain.outputs("SkimEvents", "main") if DY in folder.parts]
    assert len(folders) == 6
    assert sum(any(folder.glob("*.root")) for folder in folders) == 2
    # of data nothing survives at all
    assert after["variables"]["muon_pt"]["DATA_SingleMuon"][DATA].sum(flow=True).value == 0
    assert after["cutflow"]["initial"][DATA] == 1358


def test_skim_as_a_dataset_elsewhere(on_files: Chain) -> None:
    on_files.build(MergeOutputs, config="main")
    before = merged(on_files)
    skim(on_files, f'{{"main": Skim(config="main", {PRESEL})}}')
    on_files.build(BuildSkimDatasets, config="main")
    definitions = on_files.task(BuildSkimDatasets, config="main").directory / "datasets.json"
    content = json.loads(definitions.read_text())
    assert content["DYJetsToMuMu"]["files"][0]["metadata"]["isSkim"]
    on_files.edit("__init__.py", f',\n    skims={{"main": Skim(config="main", {PRESEL})}}', "")
    shutil.copy(definitions, on_files.analysis / "datasets.json")
    assert on_files.build(MergeOutputs, config="main")[:2] == ["BuildDatasets datasets", "RunProcessor main"]
    check_same(merged(on_files), before, but=("skim",))
    # other sums need another normalisation only
    content["DYJetsToMuMu"]["files"][0]["metadata"]["sum_genweights"] *= 2
    (on_files.analysis / "datasets.json").write_text(json.dumps(content))
    branches = on_files.ids("RunProcessor", "main")
    on_files.build(MergeOutputs, config="main")
    assert on_files.ids("RunProcessor", "main") == branches
    twice = merged(on_files)["variables"]["muon_pt"]["DYJetsToMuMu"][DY].values(flow=True)
    once = before["variables"]["muon_pt"]["DYJetsToMuMu"][DY].values(flow=True)
    np.testing.assert_allclose(2 * twice, once, rtol=1e-12)
    # without the sums, the files tell what they stand for; here each has survivors
    for key in ("nevents_before_skim", "sum_genweights", "sum_signOf_genweights"):
        del content["DYJetsToMuMu"]["files"][0]["metadata"][key]
    (on_files.analysis / "datasets.json").write_text(json.dumps(content))
    on_files.build(MergeOutputs, config="main")
    again = merged(on_files)["variables"]["muon_pt"]["DYJetsToMuMu"][DY].values(flow=True)
    np.testing.assert_allclose(again, once, rtol=1e-9)


def test_configuration_that_is_not_skimmed(chain: Chain) -> None:
    message = "configuration 'main' isn't skimmed: name the skim's reader in skims of analysis 'small', e.g. skims="
    assert chain.error(SkimEvents, config="main").startswith(message)
