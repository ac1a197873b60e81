from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pocket.errors import ConfigError, PocketError, UnknownNameError
from pocket.executors import Job, available_cores, dask_executor
from pocket.executors.dask_executor import DaskExecutorFactory, number
from pocket.executors.remote import SharedStore
from pocket.io.store import is_complete, write_output
from tests.entries import check_each
from tests.facility import Facility
from tests.grid import write_proxy
from tests.pocket.executors.jobs import Write, processes


def options(tmp_path: Path, **more: Any) -> dict[str, Any]:
    return {"cores": 0, "analysis": "zmumu", "log_folder": str(tmp_path / "logs"), **more}


def run(factory: DaskExecutorFactory, jobs: dict[str, Job]) -> int:
    done: list[int] = []
    try:
        factory.setup()
        factory.get()(jobs, done.append)
    finally:
        factory.close()
    return sum(done)


@check_each(
    ("given", "message"),
    [
        ({"retrys": "3"}, "unknown option 'retrys' in executor dask, did you mean 'retries'?"),
        ({"cluster": "condor"}, "unknown cluster 'condor' in --cluster, did you mean 'htcondor'?"),
        (
            {"cluster": "slurm", "scheduler": "tcp://a:1"},
            "option cluster makes a cluster, but --scheduler names a running one",
        ),
        ({"directive.queue": "x", "scheduler": "tcp://a:1"}, "option directive.queue makes a cluster, but --scheduler"),
        ({"retries": "many"}, "option retries of executor dask is 'many', expected a number of 0 or more"),
        ({"worker_timeout": "-1"}, "option worker_timeout of executor dask is '-1', expected a number of 0 or more"),
        ({"min_workers": 3, "max_workers": 2}, "--min-workers 3 is more than --max-workers 2"),
        ({"min_workers": -1}, "--min-workers is -1, expected 0 or more"),
        (
            {"port": "8786-80"},
            "option port of executor dask is '8786-80', expected a port or a range such as 8786-8886",
        ),
        (
            {"scheduler": "host"},
            "--scheduler is 'host', expected an address such as tcp://host:8786, or a scheduler file",
        ),
        ({"tls_ca": "/no/ca.pem"}, "option tls_ca of executor dask is '/no/ca.pem', expected an existing file"),
        ({"worker_memory": "2"}, "--worker-memory is '2', expected a size with its unit, such as 2GB"),
        (
            {"cluster": "htcondor", "disk": "much"},
            "option disk of executor dask is 'much', expected a size with its unit, such as 2GB",
        ),
        (
            {"cluster": "htcondor", "walltime": "01:00:00"},
            "option walltime of executor dask is for --cluster slurm, not htcondor",
        ),
        ({"disk": "2GB"}, "option disk of executor dask is for --cluster htcondor or lxplus, not local"),
        (
            {"cluster": "gateway", "worker_memory": "4GB"},
            "option worker_memory of executor dask is for --cluster local or htcondor or slurm or lxplus, not gateway",
        ),
        (
            {"directive.+JobFlavour": "workday"},
            "option directive.+JobFlavour of executor dask is for --cluster htcondor or slurm or lxplus, not local",
        ),
        ({"gateway.image": "x", "scheduler": "tcp://a:1"}, "option gateway.image makes a cluster, but --scheduler"),
    ],
)
def test_options_that_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}"):
        DaskExecutorFactory.check(given)


def test_options_that_are_taken() -> None:
    DaskExecutorFactory.check({})
    DaskExecutorFactory.check({"cluster": "htcondor", "min_workers": 2, "max_workers": 2, "directive.MY.Flag": "1"})
    DaskExecutorFactory.check({"scheduler": "tcp://a:1", "worker_timeout": "5", "proxy": "auto"})
    DaskExecutorFactory.check({"cluster": "gateway", "gateway": "http://a", "gateway.worker_cores": "2"})
    assert number({}, "retries") == 3
    assert number({"retries": "0"}, "retries") == 0


def test_options_of_a_site() -> None:
    site = {"cluster": "lxplus", "port": "1-2", "proxy": "auto", "directive.+A": "1", "gateway.image": "x"}
    assert DaskExecutorFactory.combined(site, {"port": "3"}) == {**site, "port": "3"}
    # another kind of cluster has none of that
    assert DaskExecutorFactory.combined(site, {"cluster": "local"}) == {
        "cluster": "local",
        "port": "1-2",
        "proxy": "auto",
    }
    # a scheduler that is there is no cluster to make
    assert DaskExecutorFactory.combined(site, {"scheduler": "tcp://a:1"}) == {
        "proxy": "auto",
        "scheduler": "tcp://a:1",
    }


def test_without_dask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="needs the extra 'dask' of this package"):
        DaskExecutorFactory.check({})


@check_each(
    ("given", "expected"),
    [
        ({}, (available_cores(), available_cores())),
        ({"cores": 3}, (3, 3)),
        ({"max_workers": 5}, (5, 5)),
        ({"min_workers": 1, "max_workers": 5}, (1, 5)),
        ({"cores": 3, "min_workers": 5}, (5, 5)),
        ({"cluster": "htcondor"}, (0, 20)),
        ({"cluster": "htcondor", "min_workers": 50}, (50, 50)),
        ({"cluster": "slurm", "min_workers": 2, "max_workers": 200}, (2, 200)),
    ],
)
def test_numbers_of_workers(tmp_path: Path, given: dict[str, Any], expected: tuple[int, int]) -> None:
    spec = DaskExecutorFactory(options(tmp_path, **given)).cluster_spec()
    assert (spec.min_workers, spec.max_workers) == expected


def test_description_of_the_cluster(tmp_path: Path) -> None:
    given = {"cluster": "htcondor", "worker_memory": "3GB", "retries": "5", "disk": "2GB", "directive.MY.A": "b"}
    spec = DaskExecutorFactory(options(tmp_path, **given)).cluster_spec()
    assert (spec.kind, spec.memory, spec.retries, spec.disk) == ("htcondor", "3GB", 5, "2GB")
    assert spec.directives == {"MY.A": "b"}
    assert spec.log_folder == tmp_path / "logs"


def test_cluster_of_this_machine(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    factory = DaskExecutorFactory(options(tmp_path, min_workers=1, max_workers=2))
    jobs = {str(number): Write(tmp_path / str(number), 2) for number in range(4)}
    with caplog.at_level("INFO", "pocket"):
        assert run(factory, jobs) == 8
    assert all(len(processes(job.path)) == 1 for job in jobs.values())
    assert any(re.fullmatch(r"Dask dashboard: http://127\.0\.0\.1:\d+/status", text) for text in caplog.messages)


@pytest.mark.slow
def test_scheduler_that_is_there(tls_scheduler: Facility, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facility, proxy = tls_scheduler, write_proxy(tmp_path / "proxy", 3600)
    secret = proxy.read_text().splitlines()[-2]
    monkeypatch.setenv("POCKET_SOMETHING", "here")
    tls = {f"tls_{name.removesuffix('_file')}": f"{facility.folder}/{name}.pem" for name in ("ca_file", "cert", "key")}
    given = options(tmp_path, scheduler=facility.address, proxy=str(proxy), certificates="/certificates", **tls)
    # a second run finds its workers anew, with nothing left by the first
    with facility.worker("first"), facility.worker("second"):
        for name in ("first", "second"):
            job = LookAround(tmp_path / name)
            assert run(DaskExecutorFactory(given), {"look": job}) == 1
            mode, certificates, something, content = job.path.read_text().split("\n", 3)
            assert (mode, certificates, something) == ("400", "/certificates", "here")
            assert content == proxy.read_text()
    assert [path for path in facility.folder.rglob("*x509*") if path.is_file()] == []
    assert all(secret not in facility.log(name) for name in ("scheduler", "first", "second"))


@pytest.mark.slow
def test_proxy_is_not_sent_without_tls(facility: Facility, tmp_path: Path) -> None:
    proxy = write_proxy(tmp_path / "proxy", 3600)
    given = options(tmp_path, scheduler=facility.address, proxy=str(proxy))
    job = LookAround(tmp_path / "job")
    with pytest.raises(
        ConfigError, match=r"an X509 proxy isn't sent to the Dask scheduler tcp://127\.0\.0\.1:\d+, since"
    ):
        run(DaskExecutorFactory(given), {"look": job})
    assert not job.path.exists()


@dataclasses.dataclass(frozen=True)
class LookAround:
    """Writes what it finds of the proxy and the variables."""

    path: Path
    size: int = 1

    def run(self, progress: Any) -> None:
        """Do it."""
        import os

        proxy = Path(os.environ["X509_USER_PROXY"])
        found = (f"{proxy.stat().st_mode & 0o777:o}", os.environ["X509_CERT_DIR"], os.environ["POCKET_SOMETHING"])
        self.path.write_text("\n".join([*found, proxy.read_text()]))
        progress(self.size)


def test_no_scheduler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_executor, "CONNECT", 1.0)
    with pytest.raises(PocketError, match=r"^no Dask scheduler answers at tcp://127.0.0.1:1, start it or"):
        run(DaskExecutorFactory(options(tmp_path, scheduler="tcp://127.0.0.1:1")), {})


@pytest.mark.slow
def test_tls_scheduler(tls_scheduler: Facility, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {f"tls_{name}": str(tls_scheduler.folder / f"{name}.pem") for name in ("cert", "key")}
    files["tls_ca"] = str(tls_scheduler.folder / "ca_file.pem")
    job = Write(tmp_path / "written")
    with tls_scheduler.worker("one"):
        assert run(DaskExecutorFactory(options(tmp_path, scheduler=tls_scheduler.address, **files)), {"a": job}) == 1
    assert len(processes(job.path)) == 1

    monkeypatch.setattr(dask_executor, "CONNECT", 1.0)
    with pytest.raises(ConfigError, match=r"^the certificates for tls://.* aren't known: give tls_ca, tls_cert and"):
        run(DaskExecutorFactory(options(tmp_path, scheduler=tls_scheduler.address)), {})
    some = {name: path for name, path in files.items() if name != "tls_key"}
    with pytest.raises(ConfigError, match=r"^option tls_key of executor dask is '', expected an existing file$"):
        DaskExecutorFactory.check({"scheduler": tls_scheduler.address, **some})


@pytest.mark.slow
def test_workers_say_where_outputs_go(
    facility: Facility, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("POCKET_STORE", str(tmp_path / "store"))
    caplog.set_level("INFO", "pocket")
    given = options(tmp_path, scheduler=facility.address)
    assert run(DaskExecutorFactory(given), {"a": Write(tmp_path / "a")}) == 1
    assert f"Dask workers write outputs to the store {tmp_path / 'store'}" in caplog.messages
    # nothing is left of what they recognised it by
    assert not (tmp_path / "logs").exists()

    hidden = DaskExecutorFactory(given)
    other = SharedStore(str(tmp_path / "store"), str(tmp_path / "none"), "x")
    monkeypatch.setattr(hidden, "shared_store", lambda: other)
    job = WriteOutput({"directory": tmp_path / "store" / "branch", "task": "Made", "inputs": {}})
    assert run(hidden, {"a": job}) == 1
    said = f"Dask workers don't see the store {tmp_path / 'store'}: outputs travel back with the results"
    assert said in caplog.messages
    assert is_complete(tmp_path / "store" / "branch")
    assert str(tmp_path) not in (tmp_path / "store" / "branch" / "place.txt").read_text()


@dataclasses.dataclass(frozen=True)
class WriteOutput:
    """Writes an output, with the folder that the store is in."""

    output: Mapping[str, Any]
    size: int = 1

    def run(self, progress: Any) -> None:
        """Do it."""
        with write_output(**self.output) as folder:
            (folder / "place.txt").write_text(str(folder))


def test_scheduler_file(scheduler: Facility, tmp_path: Path) -> None:
    place = str(scheduler.folder / "scheduler.json")
    with scheduler.worker("one"):
        factory = DaskExecutorFactory(options(tmp_path, scheduler=place))
        assert run(factory, {"a": Write(tmp_path / "written")}) == 1


def test_bad_proxy_is_found_before_anything_starts(tmp_path: Path) -> None:
    factory = DaskExecutorFactory(options(tmp_path, proxy=str(tmp_path / "proxy")))
    with pytest.raises(ConfigError, match=r"X509 proxy .*: No such file"):
        run(factory, {})
    assert factory.client is None
    write_proxy(tmp_path / "proxy", -60)
    with pytest.raises(ConfigError, match=r"^X509 proxy .*/proxy expired at 20.* UTC: voms-proxy-init"):
        run(factory, {})
    assert factory.client is None


def test_giving_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    factory = DaskExecutorFactory(options(tmp_path, cluster="htcondor", worker_timeout="100"))
    assert factory.problem(200.0) is None  # there is no cluster
    factory.cluster = object()
    answers: dict[str, Any] = {"held": (2, ["no memory"])}
    monkeypatch.setattr(dask_executor, "held_jobs", lambda cluster, kind: answers["held"])
    assert factory.problem(50.0) is None
    message = r"no worker of the Dask cluster \(htcondor\) came within 200 s; held: no memory; see the logs in .*logs$"
    assert re.match(message, str(factory.problem(200.0)))
    # all are held, so there is nothing to wait for
    answers["held"] = (2, ["no memory", "no memory"])
    assert factory.problem(5.0) is not None
    answers["held"] = (0, [])
    assert factory.problem(5.0) is None
    assert isinstance(factory.problem(101.0), PocketError)


def test_unknown_names_are_errors_of_names() -> None:
    with pytest.raises(UnknownNameError):
        DaskExecutorFactory.check({"cluster": "x"})
