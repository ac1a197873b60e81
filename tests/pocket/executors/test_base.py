from __future__ import annotations

import os
from pathlib import Path

import pytest

from pocket.errors import ConfigError, UnknownNameError
from pocket.executors import Executor, ExecutorFactoryABC, available_cores
from pocket.executors.base import IterativeExecutorFactory, find_factory, run_iteratively
from tests.pocket.executors.jobs import Fail, Write, processes

KNOWN = {"iterative": IterativeExecutorFactory, "dask": "pocket.executors.dask_executor:DaskExecutorFactory"}


class Chatty(ExecutorFactoryABC):
    """Takes any option."""

    def get(self) -> Executor:
        """Return the loop."""
        return run_iteratively


def test_iterative(tmp_path: Path) -> None:
    done: list[int] = []
    jobs = {"a": Write(tmp_path / "a", 2), "b": Fail(tmp_path / "b", ValueError("no")), "c": Write(tmp_path / "c")}
    executor = IterativeExecutorFactory({"cores": 4}).get()
    with pytest.raises(ValueError, match="no"):
        executor(jobs, done.append)
    assert done == [2, 1]
    assert processes(tmp_path / "a") == [os.getpid()]
    assert not (tmp_path / "c").exists()


def test_found_by_name() -> None:
    assert find_factory("iterative", KNOWN) is IterativeExecutorFactory
    assert find_factory("dask", KNOWN).__name__ == "DaskExecutorFactory"
    assert find_factory(f"{__name__}:Chatty", KNOWN) is Chatty


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("dusk", "unknown executor 'dusk' in --executor, .*, did you mean 'dask'?"),
        ("no.such:Thing", "executor 'no.such:Thing': there is no module 'no.such'"),
        ("pocket.nothing:Thing", "executor 'pocket.nothing:Thing': there is no module 'pocket.nothing'"),
        (f"{__name__}:Chattie", "unknown executor 'Chattie' in module .*, did you mean 'Chatty'?"),
        (f"{__name__}:Path", "executor '.*:Path' is .*, expected a class derived from ExecutorFactoryABC"),
        (f"{__name__}:KNOWN", "expected a class derived from ExecutorFactoryABC"),
    ],
)
def test_not_found(name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        find_factory(name, KNOWN)


def test_module_that_fails_to_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_executors.py").write_text("import no_such_library")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_library"):
        find_factory("broken_executors:Mine", KNOWN)


def test_options() -> None:
    Chatty.check({"anything": "goes"})
    IterativeExecutorFactory.check({})
    with pytest.raises(ConfigError, match="executor iterative takes no options, but got cluster; did you mean --e"):
        IterativeExecutorFactory.check({"cluster": "slurm"})

    class Strict(Chatty):
        known_options = ("url",)

    with pytest.raises(UnknownNameError, match=r"unknown option 'uri' in executor Strict, did you mean 'url'\?"):
        Strict.check({"uri": "x"})


def test_defaults() -> None:
    site = {"cluster": "slurm", "port": "1"}
    options = Chatty.combined(site, {"port": "3"})
    assert (site["port"], options) == ("1", {"cluster": "slurm", "port": "3"})
    factory = Chatty(options)
    for step in (factory.setup, factory.close):
        step()
        assert vars(factory) == {"run_options": {"cluster": "slurm", "port": "3"}}
        assert factory.customized_args() == {}


def test_available_cores() -> None:
    assert 1 <= available_cores() <= (os.cpu_count() or 1)
