from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pocket.compat.executors import (
    DaskExecutorFactory,
    ExecutorFactoryABC,
    FuturesExecutorFactory,
    IterativeExecutorFactory,
    ParslSlurmExecutorFactory,
    PsiExecutorFactory,
    get_executor_factory,
    get_psi_factory,
    make_factory,
)
from pocket.errors import ConfigError

FILE = """
import threading
from pocket_coffea.executors.executors_T3_CH_PSI import DaskExecutorFactory

def get_executor_factory(executor_name, **kwargs):
    import beside
    assert executor_name == "mine"
    return DaskExecutorFactory(**kwargs)
"""


class Cluster:
    """A cluster that isn't started."""

    cluster = "cluster"

    def connect(self) -> str:
        """Return the client."""
        return "client"


def cluster_of(asked: list[tuple[Any, ...]]) -> Any:
    def found(*arguments: Any) -> Cluster:
        asked.append(arguments)
        return Cluster()

    return found


def test_factory_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "my_executor.py"
    path.write_text(FILE)
    (tmp_path / "beside.py").touch()
    options = {"queue": "short", "custom-setup-commands": ["module load a", "b"], "voms-proxy": "/tmp/proxy"}
    asked: list[tuple[Any, ...]] = []
    factory = make_factory(path, "mine", options, "/logs", cluster_of(asked))
    assert isinstance(factory, PsiExecutorFactory)
    assert asked == [("T3_CH_PSI", options, "module load a; b")]
    assert (factory.dask_client, factory.dask_cluster) == ("client", "cluster")
    assert (factory.run_options, factory.outputdir, factory.x509_path) == (options, "/logs", "/tmp/proxy")
    assert factory.customized_args() == {}
    with pytest.raises(ConfigError, match=r"--executor-custom-setup .*my_executor\.py:7: AssertionError"):
        make_factory(path, "other", options, "/logs", cluster_of(asked))


def test_a_cluster_is_started_by_a_run_only() -> None:
    with pytest.raises(ConfigError, match="PsiExecutorFactory starts its cluster only in a run with"):
        get_psi_factory("dask", run_options={}, outputdir="/logs")


def test_factories_by_name() -> None:
    assert isinstance(get_executor_factory("iterative", run_options={}), IterativeExecutorFactory)
    assert isinstance(get_psi_factory("futures", run_options={}), FuturesExecutorFactory)
    assert get_psi_factory("parsl", run_options={}) is None
    with pytest.raises(ConfigError, match=r"DaskExecutorFactory is for a site that isn't in law\.cfg: write a section"):
        get_executor_factory("dask", run_options={})
    with pytest.raises(ConfigError, match="ParslSlurmExecutorFactory of PocketCoffea does nothing here: choose an"):
        ParslSlurmExecutorFactory(run_options={})
    assert issubclass(DaskExecutorFactory, ExecutorFactoryABC)


def test_their_functions_are_refused_with_the_replacement() -> None:
    from pocket_coffea.executors.executors_lxplus import setup_dask

    with pytest.raises(
        ConfigError, match=r"executors_lxplus\.setup_dask of PocketCoffea isn't here: choose an executor"
    ):
        setup_dask({})
