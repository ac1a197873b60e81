from __future__ import annotations

from typing import Any

import pytest
from coffea import processor
from coffea.nanoevents import NanoAODSchema

from pocket.configuration.configurator import Configurator
from pocket.configuration.loading import load_analysis
from pocket.datasets.branches import split
from pocket.datasets.build import build_fileset
from pocket.datasets.fileset import DatasetInfo
from pocket.engine.chunk import Output
from pocket.engine.coffea_processor import CoffeaProcessor
from pocket.engine.resources import Resources, resolve_parameters
from pocket.engine.run import run_branch
from tests.real_files import CACHE

DATASET = "DYJetsToLL_2018"


def equal(found: Any, expected: Any) -> bool:
    """Compare outputs; what is summed in another order may differ in the last digits."""
    if isinstance(expected, dict):
        return set(found) == set(expected) and all(equal(found[key], value) for key, value in expected.items())
    if isinstance(expected, float):
        return found == pytest.approx(expected, rel=1e-12)
    if isinstance(expected, int):
        return bool(found == expected)
    views = [histogram.view(flow=True) for histogram in (found, expected)]
    return list(found.axes) == list(expected.axes) and all(
        views[0][part] == pytest.approx(views[1][part], rel=1e-12, abs=1e-9) for part in ("value", "variance")
    )


@pytest.fixture(scope="module")
def config() -> Configurator:
    return load_analysis("zmumu").configs["real_samples"]


@pytest.fixture(scope="module")
def dataset(config: Configurator) -> DatasetInfo:
    definitions = {DATASET: config.definitions[DATASET]}
    return build_fileset(definitions, toy_files={}, cache=CACHE).fileset[DATASET]


@pytest.fixture(scope="module")
def expected(config: Configurator, dataset: DatasetInfo) -> Output:
    (branch,) = split({DATASET: dataset}, 1000)
    return run_branch(config.plan(), branch, dataset["metadata"], Resources(), chunk_size=1000).output


@pytest.mark.filterwarnings("ignore:Branch Photon_:RuntimeWarning")  # of this old file, from coffea's schema
@pytest.mark.parametrize(
    ("executor", "options", "chunk_size"),
    [
        (processor.IterativeExecutor, {}, 20),
        pytest.param(processor.FuturesExecutor, {"workers": 1}, 40, marks=pytest.mark.slow),
    ],
)
def test_coffeas_runner_gives_the_same(
    executor: Any,
    options: dict[str, Any],
    chunk_size: int,
    config: Configurator,
    dataset: DatasetInfo,
    expected: Output,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(NanoAODSchema, "warn_missing_crossrefs", False)
    run = processor.Runner(
        executor=executor(status=False, **options), schema=NanoAODSchema, chunksize=chunk_size, savemetrics=False
    )
    # the runner finds out entries and UUIDs by itself
    files = {path: info["object_path"] for path, info in dataset["files"].items()}
    engine = CoffeaProcessor(config.plan(), resolve_parameters(config.plan(), Resources()))
    found = run({DATASET: {"files": files, "metadata": dataset["metadata"]}}, engine)
    assert equal(found, expected)
