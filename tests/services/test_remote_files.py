"""Files on real XRootD servers that are killed, frozen, started again, and have files missing or damaged."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot

from pocket.cuts.cut import Cut
from pocket.datasets.branches import Branch, split
from pocket.datasets.build import inspect_file
from pocket.datasets.fileset import DatasetInfo
from pocket.engine.resources import Resources
from pocket.engine.run import BranchResult, run_branch
from pocket.errors import BadFileError, OtherFileError
from pocket.histograms.config import Axis, HistConf
from pocket.io.remote import attempts
from pocket.io.remote.attempts import PAUSES
from pocket.plan.skim import SkimPlan
from pocket.skims.run import skim_branch
from tests.law_runner import ROOT
from tests.pocket.configs import TT, configure, metadata
from tests.pocket.engine.root_files import damage, write_nano
from tests.services.xrootd_servers import ControlledServer
from tests.waiting import PATIENCE, wait_for

pytestmark = [pytest.mark.xrootd, pytest.mark.usefixtures("short_timeout")]

Make = Callable[[], ControlledServer]

EVENTS = 100
PT = HistConf([Axis(coll="Muon", field="pt", bins=6, start=0, stop=3)])


def branch_of(local: Path, url: str, *replicas: str) -> Branch:
    """Return the branch of a file that was inspected while all was well."""
    info, _ = inspect_file(local)
    info["replicas"] = list(replicas)
    (branch,) = split({TT: DatasetInfo(metadata={}, files={url: info})}, 10**6)
    return branch


def run(branch: Branch, progress: Callable[[int], None] = lambda events: None, skip: bool = False) -> BranchResult:
    config = configure(variables={"pt": PT}, weights={"common": {"inclusive": ["genWeight", "lumi", "XS"]}})
    return run_branch(
        config.plan(), branch, metadata(config, TT), Resources(), chunk_size=20, skip_bad_files=skip, progress=progress
    )


def check_same(result: BranchResult, local: Path) -> None:
    """Check that a result is exactly that of the local file."""
    expected = run(branch_of(local, str(local)))
    assert result.nevents == expected.nevents == EVENTS
    assert result.skipped == {}
    assert result.output["cutflow"] == expected.output["cutflow"]
    assert result.output["sum_genweights"] == expected.output["sum_genweights"]
    found, right = (output["variables"]["pt"]["TT"][TT] for output in (result.output, expected.output))
    np.testing.assert_array_equal(found.view(flow=True), right.view(flow=True))
    assert right.sum(flow=True).value != 0


class After:
    """Does something once after the first chunk; the sum of what progress is told."""

    def __init__(self, action: Callable[[], None]) -> None:
        self.action: Callable[[], None] | None = action
        self.done = 0

    def __call__(self, events: int) -> None:
        self.done += events
        if self.action is not None:
            action, self.action = self.action, None
            action()


def test_server_killed_during_a_read_and_back(make_xrootd_server: Make, file: Path, paused: list[float]) -> None:
    server = make_xrootd_server()

    def come_back() -> None:
        wait_for(lambda: paused)
        server.start()

    restart = threading.Thread(target=come_back)

    def kill() -> None:
        server.kill()
        restart.start()

    progress = After(kill)
    url = server.add(file)
    result = run(branch_of(file, url), progress)
    restart.join()
    check_same(result, file)
    assert list(result.failures) == [url]
    # the events of the first attempt don't count
    assert progress.done == EVENTS


def test_server_killed_during_a_read_and_another_has_the_file(make_xrootd_server: Make, file: Path) -> None:
    first, second = make_xrootd_server(), make_xrootd_server()
    url, replica = first.add(file), second.add(file)
    result = run(branch_of(file, url, replica), After(first.kill))
    check_same(result, file)
    assert list(result.failures) == [url]


def test_server_down_for_good(make_xrootd_server: Make, file: Path, skipped: list[float]) -> None:
    server = make_xrootd_server()
    url = server.add(file)
    branch = branch_of(file, url)
    with pytest.raises(BadFileError, match="Connection error") as caught:
        run(branch, After(server.kill))
    assert str(caught.value).startswith(f"{url} can't be read: [FATAL] Connection error")
    assert skipped == [PAUSES[0], *PAUSES]

    # When a fileset is made, the other replicas are asked instead.
    with pytest.raises(BadFileError, match=f"file {url} can't be read"):
        inspect_file(url)
    assert len(skipped) == 1 + len(PAUSES)


def test_all_servers_are_down(make_xrootd_server: Make, file: Path, skipped: list[float]) -> None:
    servers = [make_xrootd_server(), make_xrootd_server()]
    urls = [server.add(file) for server in servers]
    for server in servers:
        server.kill()
    with pytest.raises(BadFileError) as caught:
        run(branch_of(file, *urls))
    assert str(caught.value).startswith(f"none of the 2 replicas of {urls[0]} can be read: {urls[0]} can't be read: ")
    assert f"; {urls[1]} can't be read: [FATAL] Connection error" in str(caught.value)
    assert skipped == [PAUSES[0], PAUSES[0], *PAUSES]
    # skipping is explicit, and tells what was skipped
    result = run(branch_of(file, *urls), skip=True)
    assert (result.nevents, list(result.skipped)) == (0, [urls[0]])


def test_file_missing_at_one_replica(make_xrootd_server: Make, file: Path, paused: list[float]) -> None:
    server = make_xrootd_server()
    url = server.add(file)
    missing = f"{server.url}/none.root"
    result = run(branch_of(file, missing, url))
    # What isn't there isn't tried again.
    assert paused == []
    check_same(result, file)
    assert "No such file" in result.failures[missing] or "no such file" in result.failures[missing]


@pytest.mark.parametrize("kind", ["basket", "truncated", "garbage", "empty"])
def test_file_corrupt_at_one_replica(make_xrootd_server: Make, file: Path, tmp_path: Path, kind: str) -> None:
    server = make_xrootd_server()
    good = server.add(file)
    bad = tmp_path / "bad.root"
    content = file.read_bytes()
    bad.write_bytes(
        {"truncated": content[: len(content) // 2], "garbage": b"x" * 5000, "empty": b""}.get(kind, content)
    )
    if kind == "basket":
        damage(bad, "Muon_pt")
    url = server.add(bad, "bad.root")
    result = run(branch_of(file, url, good))
    check_same(result, file)
    assert list(result.failures) == [url]
    with pytest.raises(BadFileError, match=r"bad\.root can't be read"):
        run(branch_of(file, url))


def test_frozen_server(make_xrootd_server: Make, file: Path, paused: list[float]) -> None:
    first, second = make_xrootd_server(), make_xrootd_server()
    url, replica = first.add(file), second.add(file)
    result = run(branch_of(file, url, replica), After(first.freeze))
    # One request times out, no second one is made to the same server.
    assert paused == []
    check_same(result, file)
    assert list(result.failures) == [url]
    # for a while the other one is asked first
    assert run(branch_of(file, url, replica)).failures == {}
    # still frozen, when a connection is made
    attempts._failed.clear()
    result = run(branch_of(file, url, replica))
    check_same(result, file)
    assert list(result.failures) == [url]


def test_host_that_swallows_connections(file: Path) -> None:
    """As behind a firewall: nobody answers when a connection is asked for, and nobody refuses it."""
    with socket.socket() as full, contextlib.ExitStack() as clients:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):
            client = clients.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        url = f"root://127.0.0.1:{full.getsockname()[1]}//store/events.root"
        with pytest.raises(BadFileError, match=rf"^{url} can't be read: \[\w+\] (Operation expired|Socket timeout)"):
            run(branch_of(file, url))


def test_another_file_is_refused(make_xrootd_server: Make, file: Path, tmp_path: Path) -> None:
    write_nano(tmp_path / "other.root", EVENTS, seed=2)
    server = make_xrootd_server()
    url, other = server.add(file), server.add(tmp_path / "other.root", "other.root")
    with pytest.raises(OtherFileError, match=r"other\.root was replaced since the fileset was built: its UUID is"):
        run(branch_of(file, other), skip=True)
    missing = f"{server.url}/none.root"
    with pytest.raises(OtherFileError, match=r"none of the 2 replicas of .*none\.root.*other\.root was replaced"):
        run(branch_of(file, missing, other), skip=True)
    check_same(run(branch_of(file, other, url)), file)


def above(events: Any, params: Any, **kwargs: Any) -> Any:
    return events.x > params["x"]


def test_skim_of_a_server_that_is_killed(make_xrootd_server: Make, file: Path, tmp_path: Path) -> None:
    first, second = make_xrootd_server(), make_xrootd_server()
    url, replica = first.add(file), second.add(file)
    config = configure(skim=[Cut("above", {"x": 1.0}, above)])
    records, written = [], []
    for name, branch in (("local", branch_of(file, str(file))), ("remote", branch_of(file, url, replica))):
        (tmp_path / name).mkdir()
        record = skim_branch(
            config.plan(),
            SkimPlan(),
            branch,
            metadata(config, TT),
            Resources(),
            tmp_path / name,
            identity="id",
            chunk_size=20,
            progress=After(first.kill if name == "remote" else lambda: None),
        )
        records.append(record)
        with uproot.open(tmp_path / name / "events_0000.root") as skim:
            written.append(skim["Events"].arrays().to_list())
    assert list(records[1].failures) == [url]
    records[1].failures.clear()
    assert records[1] == records[0]
    assert records[0].nevents == EVENTS > len(written[0]) > 0
    assert written[1] == written[0]


def test_no_handle_is_left(make_xrootd_server: Make, file: Path) -> None:
    """Python ends at once and without complaint after reading, also where a server is dead by then."""
    server = make_xrootd_server()
    url = server.add(file)
    code = (
        "import sys\n"
        "from pocket.io.remote.client import open_root\n"
        "with open_root(sys.argv[1]) as file:\n"
        "    print(file['Events'].num_entries)\n"
        "    input()\n"
        "    try:\n"
        "        file['Events/x'].array()\n"
        "    except OSError:\n"
        "        print('lost')\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, url],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == f"{EVENTS}\n"
    server.kill()
    text, _ = process.communicate("\n", timeout=PATIENCE)
    assert (process.returncode, text) == (0, "lost\n")


def test_settings_reach_the_client() -> None:
    code = (
        "import os\n"
        "os.environ['XRD_CONNECTIONWINDOW'] = '7'\n"
        "from pocket.io.remote.client import file_system\n"
        "file_system('root://127.0.0.1:1//store')\n"
        "from XRootD.client import EnvGetInt\n"
        "names = ('ConnectionWindow', 'ConnectionRetry', 'StreamErrorWindow', 'RequestTimeout')\n"
        "print([EnvGetInt(name) for name in names])\n"
    )
    environment = {"PATH": "/usr/bin:/bin"}
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (result.stdout, result.stderr) == ("[7, 1, 0, 60]\n", "")
