"""The remote store on real XRootD servers that are killed, full, or read-only, and used by several at once."""

from __future__ import annotations

import hashlib
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from pocket.errors import RemoteStoreError
from pocket.io.remote.attempts import PAUSES
from pocket.io.store import is_complete, manifest_id, remote, remote_manifests, write_output
from pocket.io.store.manifest import parse_manifest
from pocket.io.store.remote import download, is_uploaded, remove, storage, upload
from tests.law_runner import ROOT
from tests.pocket.io.store.test_output import holds
from tests.pocket.io.store.writer import write
from tests.services.xrootd_servers import ControlledServer
from tests.tasks.conftest import chain, finished
from tests.tasks.small_chain import Chain, unfinished
from tests.waiting import PATIENCE, wait_for

__all__ = ["chain", "finished"]

pytestmark = [pytest.mark.xrootd, pytest.mark.usefixtures("short_timeout", "forgotten")]

Make = Callable[..., ControlledServer]


@pytest.fixture
def forgotten() -> Iterator[None]:
    remote_manifests.forget()
    yield
    remote_manifests.forget()


@pytest.fixture
def server(make_xrootd_server: Make) -> ControlledServer:
    return make_xrootd_server(access="r/w")


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """An output whose upload takes some time."""
    directory = tmp_path / "local" / "large"
    with write_output(directory, task="T", inputs={}) as folder:
        for number in range(30):
            (folder / f"{number:02d}.bin").write_bytes(hashlib.sha256(bytes([number])).digest() * 2**17)
    return directory


@pytest.fixture
def small_disk(server: ControlledServer) -> Iterator[None]:
    """Let the server have 40 MB."""
    owner = server.folder.stat()
    options = f"size=40m,uid={owner.st_uid},gid={owner.st_gid}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", server.store], check=True)
    yield
    subprocess.run(["umount", "--lazy", server.store], check=True)


def files_in(store: Path) -> dict[str, str]:
    """Return the checksums of all files and containers of outputs, but what only the local store notes."""
    folders = [path for manifest in store.rglob("manifest.json") for path in manifest.parent.rglob("*")]
    containers = [path for path in store.rglob("*-*.zip") if not path.name.startswith(".")]
    return {
        path.relative_to(store).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (*folders, *containers)
        if path.is_file() and path.name != ".uploaded"
    }


def begun(server: ControlledServer) -> list[Path]:
    """Return the files of uploads that have begun."""
    return list(server.store.glob("results/.large.tmp-*/0[3-9].bin"))


@pytest.mark.parametrize("checksums", [False, True])
def test_there_and_back(make_xrootd_server: Make, tmp_path: Path, checksums: bool) -> None:
    server = make_xrootd_server(access="r/w", checksums=checksums)
    url = f"{server.url}/a/task/output"
    output = tmp_path / "output"
    write(output, 1, url)
    assert holds(server.store / "a" / "task" / "output") == 1
    write(output, 2, url)
    assert holds(server.store / "a" / "task" / "output") == 2
    assert [path.name for path in (server.store / "a" / "task").iterdir()] == ["output"]
    expected = manifest_id(output)
    shutil.rmtree(output)
    download(url, output)
    assert (holds(output), manifest_id(output)) == (2, expected)
    assert is_complete(output)
    remove(url)
    assert not list((server.store / "a" / "task").iterdir())


@pytest.mark.slow
def test_chain_comes_back(chain: Chain, server: ControlledServer, monkeypatch: pytest.MonkeyPatch) -> None:
    templates = chain.templates()
    monkeypatch.setenv("POCKET_REMOTE_STORE", f"{server.url}/results")
    copy = server.store / "results"

    # what was made before is copied, and not made again
    before = files_in(chain.store)
    assert chain.missing()
    run = chain.run("PlotTemplates")
    assert run.code == 0, run.text
    assert files_in(chain.store) == before
    assert files_in(copy) == before
    assert not unfinished(copy)

    # what is here needs no server
    server.kill()
    assert not chain.missing()
    server.start()

    # the local store is only a copy, so RunProcessor doesn't run again
    shutil.rmtree(chain.store)
    remote_manifests.forget()
    assert not chain.missing()
    for folder in (*copy.glob("small/MergeOutputs/main/v1/*"), *copy.glob("small/PlotTemplates/*/v1/*")):
        shutil.rmtree(folder)
    run = chain.run("PlotTemplates")
    assert run.code == 0, run.text
    assert run.executed == ["MergeOutputs", "PlotTemplates"]
    assert chain.templates() == templates
    assert files_in(chain.store).items() <= files_in(copy).items()
    (merged,) = copy.glob("small/MergeOutputs/main/v1/*")

    # and is removed from both
    run = chain.run("MergeOutputs", "--config", "main", "--remove-output", "0,a,n")
    assert run.code == 0, run.text
    assert not merged.exists()
    assert not chain.outputs("MergeOutputs", "main")


@pytest.mark.slow
def test_new_outputs_are_copied(chain: Chain, server: ControlledServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_REMOTE_STORE", f"{server.url}/results")
    monkeypatch.setenv("LAW__store__tasks", "RunProcessor,MergeOutputs")
    run = chain.law.run(*chain.arguments("MergeOutputs", "--config", "main", "--version", "v2", "--cores", "2"))
    assert run.code == 0, run.text
    made = {name: sha for name, sha in files_in(chain.store).items() if "/v2/" in name and "/MakeToy" not in name}
    copied = files_in(server.store / "results")
    assert {name.split("/")[1] for name in copied} == {"RunProcessor", "MergeOutputs"}
    assert copied.items() == {name: sha for name, sha in made.items() if "BuildDatasets" not in name}.items()

    # a server that is down is one sentence; what is here stays, and is copied later
    server.kill()
    chain.edit("parameters.yaml", "pt: 20", "pt: 21")
    run = chain.law.run(*chain.arguments("MergeOutputs", "--config", "main", "--version", "v2"))
    assert run.code != 0
    assert f"{server.url}/results/small/" in run.errors[0]
    assert "[FATAL] Connection error" in run.errors[0]
    assert "Traceback" not in run.text


@pytest.mark.slow
def test_server_is_killed_during_an_upload_and_comes_back(
    server: ControlledServer, large: Path, paused: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{server.url}/results/large"
    killed = threading.Event()
    upload_file = storage().upload

    def upload_before_it_is_too_late(file: Path, to: str) -> str:
        # A slow thread may kill the server between two files instead of during one.
        if file.name == "20.bin":
            assert killed.wait(PATIENCE)
        return upload_file(file, to)

    def interrupt() -> None:
        wait_for(lambda: begun(server))
        server.kill()
        assert not (server.store / "results" / "large").exists()
        killed.set()
        wait_for(lambda: paused)
        server.start()

    monkeypatch.setattr(storage(), "upload", upload_before_it_is_too_late)
    thread = threading.Thread(target=interrupt)
    thread.start()
    upload(large, url)
    thread.join()
    assert is_uploaded(large, url)
    assert files_in(server.store) == {f"results/{name}": sha for name, sha in files_in(large.parent).items()}


def test_server_stays_down(server: ControlledServer, tmp_path: Path, skipped: list[float]) -> None:
    output, url = tmp_path / "output", f"{server.url}/results/output"
    server.kill()
    with pytest.raises(RemoteStoreError) as raised:
        write(output, 1, url)
    assert str(raised.value).startswith(f"{output} is complete but not in the remote store, running the task again")
    assert f"{url}/manifest.json can't be read: [FATAL] Connection error" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert skipped == [PAUSES[0], *PAUSES]
    assert holds(output) == 1
    assert not is_uploaded(output, url)
    server.start()
    upload(output, url)
    assert manifest_id(server.store / "results" / "output") == manifest_id(output)


def start(*arguments: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


#: Uploads an output, but not all of its files.
HALF = """
import pathlib, signal, sys
from pocket.io.store.remote import storage, upload

upload_file = storage().upload

def upload_or_wait(file, url):
    if file.name == "20.bin":
        signal.pause()
    return upload_file(file, url)

storage().upload = upload_or_wait
upload(pathlib.Path(sys.argv[1]), sys.argv[2])
"""


@pytest.mark.slow
def test_half_uploaded_output_is_not_complete(server: ControlledServer, large: Path, tmp_path: Path) -> None:
    url = f"{server.url}/results/large"
    process = start("-c", HALF, large, url)
    wait_for(lambda: begun(server))
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=PATIENCE)
    assert [path.name[:11] for path in (server.store / "results").iterdir()] == [".large.tmp-"]
    assert remote_manifests.remote_manifest(url) is None
    with pytest.raises(RemoteStoreError, match=r"has no manifest\.json that can be read"):
        download(url, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
    upload(large, url)
    download(url, tmp_path / "copy")
    assert is_complete(tmp_path / "copy")


def test_read_only_server(make_xrootd_server: Make, tmp_path: Path, paused: list[float]) -> None:
    server = make_xrootd_server()
    with pytest.raises(
        RemoteStoreError, match=r"manifest\.json|a\.txt can't be written: \[ERROR\] .*read/only"
    ) as raised:
        write(tmp_path / "output", 1, f"{server.url}/results/output")
    # no attempts: it will be so the next time
    assert paused == []
    assert "running the task again copies it" in str(raised.value)
    assert holds(tmp_path / "output") == 1


@pytest.mark.slow
@pytest.mark.root
def test_full_server(server: ControlledServer, small_disk: None, tmp_path: Path, large: Path) -> None:
    write(tmp_path / "output", 1, f"{server.url}/results/output")
    with pytest.raises(RemoteStoreError, match=r"\.bin can't be written: \[ERROR\] .*no space left"):
        upload(large, f"{server.url}/results/large")
    assert is_complete(large)
    # the other output is as it was, and what was uploaded takes no space
    assert [path.name for path in (server.store / "results").iterdir()] == ["output"]
    assert holds(server.store / "results" / "output") == 1


def test_replaced_while_somebody_reads_it(
    server: ControlledServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever opens a file that somebody has open gets the same one, whatever is at its place."""
    from XRootD import client

    output, url = tmp_path / "output", f"{server.url}/results/output"
    write(output, 1, url)
    reader = client.File()
    status, _ = reader.open(f"{url}/manifest.json")
    assert status.ok
    write(output, 2, url)
    manifest = parse_manifest(remote.read_manifest_text(url) or b"")
    assert manifest is not None
    assert manifest.info["number"] == 1
    # It is closed before the next attempt.
    monkeypatch.setattr(remote, "time", SimpleNamespace(time=time.time, sleep=lambda seconds: reader.close()))
    download(url, tmp_path / "copy")
    assert holds(tmp_path / "copy") == 2


@pytest.mark.slow
@pytest.mark.parametrize("name", ["output", "output.zip"])
def test_two_processes_upload_at_once(server: ControlledServer, tmp_path: Path, name: str) -> None:
    url, stop = f"{server.url}/results/{name}", tmp_path / "stop"
    script = ("-m", "tests.pocket.io.store.writer")
    first_numbers = (1000, 100_000)
    places = {first: tmp_path / f"{first}{Path(name).suffix}" for first in first_numbers}
    copy = tmp_path / f"copy{Path(name).suffix}"
    writers = [start(*script, place, str(first), str(stop), url) for first, place in places.items()]
    found, refused = set(), []
    while any(writer.poll() is None for writer in writers):
        if len(found) > 2:
            stop.touch()
        # whenever it is there, it is that of one of them
        try:
            download(url, copy)
        except RemoteStoreError as error:
            refused.append(str(error))
        else:
            found.add(holds(copy))
    last_numbers = []
    for writer in writers:
        text, _ = writer.communicate(timeout=PATIENCE)
        assert writer.returncode == 0, text
        last_numbers.append(int(text.split()[-1]))
    assert len(found) > 2
    assert all("has no manifest.json that can be read" in text for text in refused), refused
    assert holds(server.store / "results" / name) in last_numbers
    assert is_complete(server.store / "results" / name)
    assert [path.name for path in (server.store / "results").iterdir()] == [name]
