from __future__ import annotations

import contextlib
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pocket.errors import DatasetError, PocketError, UnknownNameError
from pocket.executors import Job
from pocket.executors.clusters import ClusterSpec, running_cluster
from pocket.executors.code import code_folders
from pocket.executors.dask_jobs import leave_workers, lend_proxy, prepare_workers, run_on_dask
from tests.facility import Facility
from tests.pocket.executors.jobs import Die, Fail, Keep, Write, processes
from tests.waiting import wait_for

RUN = "run-1"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A client of two workers of this machine, which were prepared for a run."""
    from distributed import Client

    spec = ClusterSpec("local", 2, 2, "1GB", tmp_path_factory.mktemp("logs"), 1, 60.0)
    with running_cluster(spec) as cluster, Client(cluster) as client:
        prepare_workers(client, RUN, code_folders("zmumu"), {"POCKET_TEST": "1"}, new=True)
        yield client


def run(client: Any, jobs: dict[str, Job], identity: str = RUN, **changes: Any) -> int:
    """Run jobs and return the progress."""
    done: list[int] = []
    options = {"client": client, "run": identity, "worker_timeout": 60.0, "logs": "the logs"}
    run_on_dask(jobs, done.append, **options | changes)
    return sum(done)


def test_jobs_run_on_workers(client: Any, tmp_path: Path) -> None:
    jobs = {str(number): Write(tmp_path / str(number), number, processes=2) for number in range(6)}
    assert run(client, jobs) == 15
    used = [processes(job.path) for job in jobs.values()]
    assert all(len(found) == 1 for found in used)
    assert len({found[0] for found in used}) == 2
    assert os.getpid() not in {found[0] for found in used}


def test_workers_have_one_thread_and_the_variables(client: Any) -> None:
    variables = client.run(lambda: (os.environ["POCKET_TEST"], os.environ["OMP_NUM_THREADS"]))
    assert set(variables.values()) == {("1", "1")}
    assert set(client.nthreads().values()) == {1}


def test_outputs_are_filled_on_the_disk_of_the_worker(client: Any) -> None:
    def scratch(dask_worker: Any) -> tuple[str, str]:
        return os.environ["POCKET_SCRATCH"], dask_worker.local_directory

    folders = list(client.run(scratch).values())
    assert len(folders) == 2
    assert all(used == own and Path(own).is_dir() for used, own in folders)


def test_job_whose_worker_dies_runs_again(client: Any, tmp_path: Path) -> None:
    jobs = {"dies once": Die(tmp_path / "a", 1, 5), "other": Write(tmp_path / "b", 2)}
    assert run(client, jobs) == 5 + 2
    assert len(processes(tmp_path / "a")) == 1
    assert len(processes(tmp_path / "b")) == 1


def test_job_that_always_kills_its_worker_is_given_up(client: Any, tmp_path: Path) -> None:
    with pytest.raises(
        PocketError,
        match=r"^branch 3: 2 workers died while they ran it, .* ran out .* crashed, or a batch .*; see the logs$",
    ):
        run(client, {"branch 3": Die(tmp_path / "a", 99)})
    # as often as the cluster's retries say
    assert len(set(processes(tmp_path / "a"))) == 2


def test_error_of_a_job_names_it_and_is_not_tried_again(client: Any, tmp_path: Path) -> None:
    later = {f"later {number}": Write(tmp_path / f"later {number}", after="go") for number in range(20)}
    with pytest.raises(PocketError, match=r"^branch 7: no file$"):
        run(client, {"branch 7": Fail(tmp_path / "a", DatasetError("no file"), 2), **later})
    # Those that had begun go on.
    (tmp_path / "go").touch()
    assert len(processes(tmp_path / "a")) == 1
    # an error whose class takes other arguments than its message
    with pytest.raises(UnknownNameError, match=r"^branch 9: unknown weight 'sf_i', did you mean 'sf_id'\?$"):
        run(client, {"branch 9": Fail(tmp_path / "c", UnknownNameError("weight", "sf_i", ["sf_id"]))})
    with pytest.raises(ZeroDivisionError) as caught:
        run(client, {"branch 8": Fail(tmp_path / "b", ZeroDivisionError("by nought"))})
    assert caught.value.__notes__[-1] == "raised by branch 8; see the logs"
    assert len(processes(tmp_path / "b")) == 1
    # where it happened
    assert "jobs.py" in str(caught.getrepr(style="native"))
    # those that hadn't begun never do
    assert len(list(tmp_path.glob("later*"))) < 10


def _memory_share(client: Any) -> float:
    """Return how much of its memory the only worker has, as the scheduler knows; 0 until the client has heard of it."""
    workers = client.scheduler_info()["workers"].values()
    return max((float(worker["metrics"]["memory"] / worker["memory_limit"]) for worker in workers), default=0.0)


@pytest.mark.slow
def test_worker_that_is_nearly_full_goes_on(tmp_path: Path) -> None:
    from distributed import Client

    spec = ClusterSpec("local", 1, 1, "600MB", tmp_path / "logs", 0, 60.0)
    with running_cluster(spec) as cluster, Client(cluster) as client:
        prepare_workers(client, RUN, code_folders("zmumu"), {}, new=True)
        assert run(client, {"fill": Keep(0.85)}) == 1
        # It tells the scheduler what it has several times a second.
        wait_for(lambda: _memory_share(client) > 0.8)
        assert run(client, {"next": Write(tmp_path / "a")}) == 1


def test_jobs_of_another_run_are_refused(client: Any, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="was taken over by another run"):
        run(client, {"branch": Write(tmp_path / "a")}, "run-2")
    assert not (tmp_path / "a").exists()


def test_proxy_on_workers(client: Any) -> None:
    def look() -> tuple[int, bytes, str]:
        path = Path(os.environ["X509_USER_PROXY"])
        return path.stat().st_mode & 0o777, path.read_bytes(), os.environ["X509_CERT_DIR"]

    def left() -> tuple[bool, list[str]]:
        from distributed import get_worker

        return "X509_USER_PROXY" in os.environ, [
            path.name for path in Path(get_worker().local_directory).glob("*x509*")
        ]

    lend_proxy(client, b"secret", "/certificates")
    lend_proxy(client, b"secret", "/certificates")  # as after the run before
    assert set(client.run(look).values()) == {(0o400, b"secret", "/certificates")}
    leave_workers(client, proxy=True)
    assert client.submit(left).result() == (False, [])


def test_workers_have_their_own_proxy_again(client: Any) -> None:
    def own() -> None:
        os.environ.update(X509_USER_PROXY="/facility/proxy", X509_CERT_DIR="/facility/certificates")

    def look() -> tuple[str, str]:
        return os.environ["X509_USER_PROXY"], os.environ["X509_CERT_DIR"]

    client.wait_for_workers(2)  # One may have died in an earlier test, and would have no proxy of its own.
    client.run(own)
    for content in (b"first", b"second"):
        lend_proxy(client, content, "/certificates")
    leave_workers(client, proxy=True)
    assert set(client.run(look).values()) == {("/facility/proxy", "/facility/certificates")}


def connect(facility: Facility) -> Any:
    from distributed import Client

    return Client(facility.address, timeout=30)


def test_no_worker(scheduler: Facility, tmp_path: Path) -> None:
    jobs = {"branch": Write(tmp_path / "a")}
    with connect(scheduler) as client:
        prepare_workers(client, RUN, code_folders("zmumu"), {}, new=False)
        with pytest.raises(PocketError, match=r"^the Dask scheduler has had no worker for 2 s; see the logs$"):
            run(client, jobs, worker_timeout=2.0)
        with pytest.raises(PocketError, match=r"^held$"):
            run(client, jobs, problem=lambda seconds: PocketError("held") if seconds > 1 else None)


def test_worker_that_comes_late_is_prepared(scheduler: Facility, tmp_path: Path) -> None:
    with connect(scheduler) as client:
        prepare_workers(client, RUN, code_folders("zmumu"), {}, new=False)
        with scheduler.worker("late"):
            assert run(client, {"branch": Write(tmp_path / "a")}) == 1


def test_lost_scheduler(scheduler: Facility, tmp_path: Path) -> None:
    with connect(scheduler) as client:
        prepare_workers(client, RUN, code_folders("zmumu"), {}, new=False)
        pid = client.run_on_scheduler(os.getpid)

        def kill(seconds: float) -> None:
            # It is asked while jobs wait for workers.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

        with pytest.raises(PocketError, match=r"lost|given up by the Dask scheduler"):
            run(client, {"branch": Write(tmp_path / "a")}, problem=kill)


@pytest.mark.slow
def test_workers_that_were_used_are_replaced(facility: Facility) -> None:
    with connect(facility) as client:
        client.wait_for_workers(2, timeout=60)
        prepare_workers(client, RUN, code_folders("zmumu"), {}, new=False)
        before = client.run(os.getpid)
        prepare_workers(client, RUN, code_folders("zmumu"), {}, new=False)
        assert set(client.run(os.getpid).values()) == set(before.values())
        prepare_workers(client, "run-2", code_folders("zmumu"), {}, new=False)
        client.wait_for_workers(2, timeout=60)
        assert set(client.run(os.getpid).values()).isdisjoint(before.values())


@pytest.mark.slow
def test_worker_that_can_not_be_replaced(scheduler: Facility) -> None:
    with scheduler.worker("bare", "--no-nanny"), connect(scheduler) as client:
        client.wait_for_workers(1, timeout=60)
        prepare_workers(client, RUN, code_folders("zmumu"), {}, new=False)
        with pytest.raises(PocketError, match="has run something else and can't be restarted: start Dask workers with"):
            prepare_workers(client, "run-2", code_folders("zmumu"), {}, new=False)


@pytest.mark.slow
def test_busy_scheduler(facility: Facility) -> None:
    from distributed import Event

    with connect(facility) as client, connect(facility) as other:
        go = Event("go", client=other)
        future = other.submit(go.wait, key="pocketlaw-other-0")
        wait_for(lambda: any(other.processing().values()) or future.done())
        with pytest.raises(PocketError, match=re.escape(f"{facility.address} is busy with another run of Pocketlaw")):
            prepare_workers(client, RUN, code_folders("zmumu"), {}, new=False)
        go.set()
