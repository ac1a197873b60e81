"""Running jobs on the workers of a Dask scheduler, watching that there are any."""

from __future__ import annotations

import contextlib
import pickle
import queue
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pocket.errors import PocketError
from pocket.executors.base import Job, Progress

#: seconds between two looks at the workers
LOOK = 1.0
#: in front of the keys of all jobs
PREFIX = "pocketlaw-"


def run_on_dask(
    jobs: Mapping[str, Job],
    progress: Progress,
    *,
    client: Any,
    run: str,
    worker_timeout: float,
    logs: str,
    problem: Callable[[float], PocketError | None] = lambda seconds: None,
) -> None:
    """Run jobs on Dask workers that :func:`prepare_workers` has prepared.

    Nothing is sent back: a job writes its output itself, to a file system that the workers share.

    Args:
        jobs: name → job.
        progress: called with the size of each job that is done.
        client: client of the scheduler.
        run: identity of the run.
        worker_timeout: seconds without any worker that are an error.
        logs: where the logs of the workers are, for errors.
        problem: called with the seconds without any worker; returns the error to raise, if there is reason for one.

    Raises:
        PocketError: if a job fails by one, or its worker died too often, or no worker comes.
        Exception: what a job raises, with a note that names it. Such a job isn't run again.
    """
    events: queue.SimpleQueue[Any] = queue.SimpleQueue()
    # big jobs first, so that no worker waits long for the last one
    ordered = sorted(jobs.items(), key=lambda item: -item[1].size)
    waiting = {}
    # never the key of an earlier job, whose result the scheduler may still have
    prefix = f"{PREFIX}{secrets.token_hex(8)}"
    for number, (name, payload) in enumerate(_pickled(dict(ordered), run).items()):
        future = client.submit(pickle.loads, payload, key=f"{prefix}-{number}", pure=False, priority=-number)
        waiting[future.key] = (name, future)
        future.add_done_callback(events.put)
    alone_since = time.monotonic()
    try:
        while waiting:
            try:
                future = events.get(timeout=LOOK)
            except queue.Empty:
                alone_since = _look(client, alone_since, worker_timeout, logs, problem)
                continue
            name, _ = waiting.pop(future.key)
            _check(future, name, logs)
            progress(jobs[name].size)
            alone_since = time.monotonic()
    finally:
        if waiting and client.status == "running":
            client.cancel([future for _, future in waiting.values()])


def _pickled(jobs: Mapping[str, Job], run: str) -> dict[str, bytes]:
    """Return the jobs as bytes that run them where they are unpickled."""
    import cloudpickle

    from pocket.executors.remote import Call

    with by_value():
        return {name: cloudpickle.dumps(Call(cloudpickle.dumps(job), run)) for name, job in jobs.items()}


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
    client: Any,
    alone_since: float,
    worker_timeout: float,
    logs: str,
    problem: Callable[[float], PocketError | None],
) -> float:
    """Return since when there has been no worker."""
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


def _check(future: Any, name: str, logs: str) -> None:
    """Raise the error of a job."""
    from distributed import KilledWorker

    if future.status == "finished":
        return
    if future.status != "error":
        raise PocketError(f"{name} was given up by the Dask scheduler ({future.status}); see {logs}")
    error = future.exception()
    if isinstance(error, KilledWorker):
        raise PocketError(
            f"{name}: {error.allowed_failures + 1} workers died while they ran it, the last one at "
            f"{error.last_worker.address}, because memory ran out (then try more --worker-memory or a smaller "
            f"--chunk-size) or a library crashed; see {logs}"
        )
    if isinstance(error, PocketError):
        raise PocketError(f"{name}: {error}") from error
    error.add_note(f"raised by {name}; see {logs}")
    raise error.with_traceback(future.traceback())


def prepare_workers(client: Any, run: str, folders: Sequence[Any], variables: Mapping[str, str], *, new: bool) -> None:
    """Give workers the code of the jobs: those that are there, and those that come.

    Workers of a scheduler that was there before may have run something; their processes are replaced.

    Args:
        client: client of the scheduler.
        run: identity of the run.
        folders: the code, as :class:`~pocket.executors.code.CodeFolder`.
        variables: environment variables to set on the workers.
        new: the scheduler and its workers were started for this run.

    Raises:
        PocketError: if another run uses the scheduler, or a worker can't be replaced.
    """
    from pocket.executors.remote import PrepareWorker

    if not new:
        busy = [key for keys in client.processing().values() for key in keys if str(key).startswith(PREFIX)]
        if busy:
            raise PocketError(
                f"the Dask scheduler {client.scheduler.addr} is busy with another run of Pocketlaw: wait for "
                "its end, or use another scheduler"
            )
    content = [(folder.parent, folder.names, folder.digest, folder.content) for folder in folders]
    with by_value():
        client.register_plugin(PrepareWorker(run, content, variables, new=new))
    for last in (False, True):
        foreign = _foreign_workers(client, run)
        if not foreign:
            return
        if last:
            break
        with contextlib.suppress(ValueError):  # one of them has no nanny
            client.restart_workers(foreign, raise_for_error=False, timeout=60)
    raise PocketError(
        f"worker {foreign[0]} has run something else and can't be restarted: start Dask workers with a nanny"
    )


def _foreign_workers(client: Any, run: str) -> list[str]:
    """Return the addresses of the workers that don't belong to a run."""
    from pocket.executors import remote

    with by_value():
        runs = client.run(remote.run_of_worker)
    return [address for address, found in runs.items() if found != run]


def lend_proxy(client: Any, content: bytes, certificates: str | None) -> None:
    """Give the workers an X509 proxy until :func:`leave_workers`."""
    from pocket.executors.remote import ProxyOnWorker

    with by_value():
        client.register_plugin(ProxyOnWorker(content, certificates))


def leave_workers(client: Any, *, proxy: bool) -> None:
    """Remove from a scheduler and its workers what belongs to this run: the code, and the proxy if it was lent."""
    for name in ("code", *(("proxy",) if proxy else ())):
        with contextlib.suppress(Exception):  # there may be no scheduler any more
            client.unregister_worker_plugin(f"{PREFIX}{name}")
