"""Execution of jobs on the workers of a Dask scheduler, with a check that there are workers."""

from __future__ import annotations

import contextlib
import pickle
import platform
import queue
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import metadata
from typing import TYPE_CHECKING, Any

from pocket.errors import ConfigError, PocketError
from pocket.executors.base import Job, Progress

if TYPE_CHECKING:
    from pocket.executors.remote import SharedStore
    from pocket.executors.travel import Outcome

#: seconds between two checks of the workers
LOOK = 1.0
#: prefix of the keys of all jobs
PREFIX = "pocketlaw-"
#: packages that every job needs, and whose versions affect outputs
PACKAGES = (
    *("awkward", "boost-histogram", "coffea", "correctionlib", "h5py", "hist", "numba", "numpy", "uproot", "vector"),
)


def run_on_dask(
    jobs: Mapping[str, Job],
    progress: Progress,
    *,
    client: Any,
    run: str,
    worker_timeout: float,
    logs: str,
    problem: Callable[[float], PocketError | None] = lambda seconds: None,
    report: Callable[[str], None] = lambda place: None,
) -> None:
    """Run jobs on Dask workers that :func:`prepare_workers` has prepared.

    A job writes its output itself if the worker sees the store, or to the remote store. From other workers the output
    travels back with the result. Its place is reported. If there is no worker for some time, ``problem`` of the seconds
    without any may return an error to raise.
    """
    import cloudpickle
    import dask

    from pocket.executors.remote import Call
    from pocket.executors.travel import contents_of, local_inputs, take_back

    events: queue.SimpleQueue[Any] = queue.SimpleQueue()
    # The key must be new, because the scheduler may still have the result of an earlier job.
    prefix = f"{PREFIX}{secrets.token_hex(8)}"
    waiting: dict[str, tuple[str, Any]] = {}

    def submit(name: str, priority: int, contents: Mapping[str, bytes]) -> None:
        key = f"{prefix}-{priority}{'-with-files' if contents else ''}"
        with by_value():
            call = Call(cloudpickle.dumps(jobs[name]), run, local_inputs(jobs[name]), dict(contents))
            payload = bytes(cloudpickle.dumps(call))
        future = client.submit(pickle.loads, payload, key=key, pure=False, priority=-priority)
        waiting[future.key] = (name, future)
        future.add_done_callback(events.put)

    # Big jobs come first, so that no worker waits long for the last one.
    order = {name: number for number, name in enumerate(sorted(jobs, key=lambda name: -jobs[name].size))}
    # The messages of jobs are large, as they are meant to be.
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "10GB"}):
        for name, number in order.items():
            submit(name, number, {})
        alone_since = time.monotonic()
        try:
            while waiting:
                try:
                    future = events.get(timeout=LOOK)
                except queue.Empty:
                    alone_since = _look(client, alone_since, worker_timeout, logs, problem)
                    continue
                name, _ = waiting.pop(future.key)
                alone_since = time.monotonic()
                outcome = _outcome(future, name, jobs[name], logs)
                if outcome.lacking:
                    submit(name, order[name], contents_of(outcome.lacking, name))
                    continue
                take_back(outcome, jobs[name])
                report(outcome.place)
                progress(jobs[name].size)
        finally:
            if waiting and client.status == "running":
                client.cancel([future for _, future in waiting.values()])


@contextlib.contextmanager
def by_value() -> Iterator[None]:
    """Let cloudpickle send the code of :mod:`pocket.executors.remote` along."""
    import cloudpickle

    from pocket.executors import remote

    cloudpickle.register_pickle_by_value(remote)
    try:
        yield
    finally:
        cloudpickle.unregister_pickle_by_value(remote)


def _look(
    client: Any, alone_since: float, worker_timeout: float, logs: str, problem: Callable[[float], PocketError | None]
) -> float:
    """Return the time since when there has been no worker, or raise the error if that is too long."""
    if client.status != "running":
        raise PocketError(f"the connection to the Dask scheduler {client.scheduler.addr} is lost; see {logs}")
    now = time.monotonic()
    if client.scheduler_info(n_workers=1)["n_workers"]:
        return now
    error = problem(now - alone_since)
    if error is None and now - alone_since > worker_timeout:
        error = PocketError(f"the Dask scheduler has had no worker for {worker_timeout:.0f} s; see {logs}")
    if error is not None:
        raise error
    return alone_since


def _outcome(future: Any, name: str, job: Job, logs: str) -> Outcome:
    """Return the outcome of a finished job, or raise its error."""
    from distributed import KilledWorker

    from pocket.executors.travel import take_back

    if future.status == "finished":
        outcome: Outcome = future.result()
        if not outcome.error:
            return outcome
        take_back(outcome, job)
        error = pickle.loads(outcome.error)
        if isinstance(error, PocketError):
            # Its class may take other arguments than a message.
            error.args = (f"{name}: {error}",)
            raise error
        error.add_note(f"raised by {name}; see {logs}")
        raise error
    if future.status != "error":
        raise PocketError(f"{name} was given up by the Dask scheduler ({future.status}); see {logs}")
    error = future.exception()
    if isinstance(error, KilledWorker):
        raise PocketError(
            f"{name}: {error.allowed_failures + 1} workers died while they ran it, the last one at "
            f"{error.last_worker.address}, because memory ran out (then try more --worker-memory or a smaller "
            f"--chunk-size), a library crashed, or a batch system ended them, as when their time was over; see {logs}"
        )
    error.add_note(f"raised by {name}; see {logs}")
    raise error.with_traceback(future.traceback())


def prepare_workers(
    client: Any,
    run: str,
    folders: Sequence[Any],
    variables: Mapping[str, str],
    *,
    new: bool,
    store: SharedStore | None = None,
) -> None:
    """Send the code of the jobs to all workers, including those that join later.

    Processes of workers that aren't ``new`` are replaced, since they may have run something else. The store is
    ``None`` if all workers are known to see it.
    """
    from pocket.executors.remote import FAILED, PrepareWorker, run_of_worker

    if not new:
        busy = [key for keys in client.processing().values() for key in keys if str(key).startswith(PREFIX)]
        if busy:
            raise PocketError(
                f"the Dask scheduler {client.scheduler.addr} is busy with another run of Pocketlaw: wait for "
                "its end, or use another scheduler"
            )
        _check_python(client)
    content = [(folder.parent, folder.names, folder.digest, folder.content) for folder in folders]
    versions = {name: metadata.version(name) for name in PACKAGES}
    with by_value():
        client.register_plugin(PrepareWorker(run, content, variables, new=new, store=store, versions=versions))
    for last in (False, True):
        with by_value():
            runs: dict[str, str | None] = client.run(run_of_worker)
        for address, found in runs.items():
            if found and found.startswith(FAILED):
                raise PocketError(f"Dask worker {address} {found}")
        foreign = [address for address, found in runs.items() if found != run]
        if not foreign:
            return
        if last:
            break
        with contextlib.suppress(ValueError):  # One of them has no nanny.
            client.restart_workers(foreign, raise_for_error=False, timeout=60)
    raise PocketError(
        f"worker {foreign[0]} has run something else and can't be restarted: start Dask workers with a nanny"
    )


def _check_python(client: Any) -> None:
    """Check that the workers have the Python version of this process, since pickled code depends on it."""
    for address, found in client.get_versions()["workers"].items():
        version = str(found["host"]["python"]).split(".")[:2]
        if version != platform.python_version().split(".")[:2]:
            raise PocketError(
                f"worker {address} has Python {'.'.join(version)}, but this is {platform.python_version()}: start Dask "
                "workers with the same version, or this in their environment (POCKET_PYTHON, POCKET_ENVIRONMENT=system)"
            )


def look_at_workers(client: Any) -> dict[str, tuple[dict[str, str], Any]]:
    """Return address → (places, differences of packages) for the current workers."""
    from pocket.executors import remote
    from pocket.executors.travel import packages_missing

    with by_value():
        states: dict[str, tuple[dict[str, str], Any]] = client.run(remote.state_of_worker)
    for address, (_, differences) in states.items():
        if differences.missing:
            raise PocketError(packages_missing(address, differences.missing))
    return states


def lend_proxy(client: Any, content: bytes, certificates: str | None) -> None:
    """Give the workers an X509 proxy until :func:`leave_workers`."""
    if (address := client.scheduler.addr).startswith("tcp:"):
        raise ConfigError(
            f"an X509 proxy isn't sent to the Dask scheduler {address}, since others could read it on its way: use a "
            "scheduler with TLS (tls://), or workers that have a proxy"
        )
    from pocket.executors.remote import ProxyOnWorker

    with by_value():
        client.register_plugin(ProxyOnWorker(content, certificates))


def leave_workers(client: Any, *, proxy: bool) -> None:
    """Remove the code of this run from a scheduler and its workers, and the proxy if it was lent."""
    for name in ("code", *(("proxy",) if proxy else ())):
        with contextlib.suppress(Exception):  # The scheduler may have ended.
            client.unregister_worker_plugin(f"{PREFIX}{name}")
