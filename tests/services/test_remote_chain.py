"""The chain of the small analysis over files on a server, beside the same over local files."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pocket.histograms.files import read_output
from pocket.io.store import manifest_of
from tasks.chain.merging import MergeOutputs
from tasks.chain.processing import RunProcessor
from tasks.chain.toys import MakeToySamples
from tests.services.xrootd_servers import ControlledServer
from tests.tasks.conftest import enter
from tests.tasks.small_chain import Chain

FILES = {"dy_0.root": "dy_000", "dy_1.root": "dy_001", "data.root": "data_000"}


@pytest.fixture
def chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Chain:
    """The small analysis, with files of toys beside it."""
    chain = Chain.make(tmp_path)
    enter(chain, monkeypatch)
    chain.build(MakeToySamples)
    for name, toy in FILES.items():
        (path,) = chain.store.glob(f"shared/MakeToySamples/toys/v1/*/{toy}/events.root")
        shutil.copy(path, chain.analysis / name)
    return chain


def run(chain: Chain, version: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Run the chain in processes of its own; return the templates, and what the branches' manifests tell."""
    result = chain.law.run(*chain.arguments("MergeOutputs", "--config", "main", "--version", version, "--cores", "2"))
    assert result.code == 0, result.text
    task = chain.task(RunProcessor, config="main", version=version)
    manifests = [manifest_of(branch.output().directory) for branch in task.get_branch_tasks().values()]
    readings = [manifest.info["reading"] for manifest in manifests if manifest]
    assert len(readings) == len(manifests) > 2
    return read_output(chain.task(MergeOutputs, config="main", version=version).directory), readings


@pytest.mark.slow
@pytest.mark.xrootd
def test_same_templates_as_over_local_files(chain: Chain, make_xrootd_server: Callable[[], ControlledServer]) -> None:
    chain.define({"globs": ["dy_?.root"]})
    local, _ = run(chain, "local")

    server = make_xrootd_server()
    for name in FILES:
        server.add(chain.analysis / name, f"toys/{name}")
        (chain.analysis / name).unlink()
    chain.define({"globs": [f"{server.url}/toys/dy_?.root"]}, data=f"{server.url}/toys/data.root")
    remote, readings = run(chain, "remote")

    assert remote["cutflow"] == local["cutflow"]
    assert remote["cutflow"]["initial"]["DYJetsToMuMu_toys"] == 1800
    for key in ("sum_genweights", "sum_signOf_genweights"):
        assert remote[key] == pytest.approx(local[key], rel=1e-12)
    assert list(remote["variables"]) == ["muon_pt", "npvs"]
    for variable, samples in local["variables"].items():
        for sample, datasets in samples.items():
            for dataset, expected in datasets.items():
                found = remote["variables"][variable][sample][dataset]
                assert expected.sum(flow=True).value > 0
                for values in ("values", "variances"):
                    np.testing.assert_allclose(
                        getattr(found, values)(flow=True), getattr(expected, values)(flow=True), rtol=1e-12
                    )
    for reading in readings:
        assert reading["failures"] == {}
        assert reading["events"]["processed"] == reading["events"]["expected"] > 0

    # what is there stays complete when the server is gone
    server.kill()
    assert chain.task(MergeOutputs, config="main", version="remote").complete()

    # and what is not there fails with one sentence, and leaves nothing
    result = chain.law.run(*chain.arguments("MergeOutputs", "--config", "main", "--version", "down"))
    assert result.code != 0
    (sentence,) = result.errors
    assert f"{server.url}/toys/dy_?.root can't be listed: [FATAL] Connection error" in sentence
    assert not [path for path in (chain.store / "small").rglob("down") if any(path.iterdir())]
