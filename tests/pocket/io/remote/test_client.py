from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pocket.errors import ConfigError
from pocket.io.remote import client
from pocket.io.remote.client import CLIENT_SETTINGS, file_system, is_remote, open_root, prepare_client, request_timeout
from tests.pocket.engine.root_files import write_nano


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in CLIENT_SETTINGS:
        # set first, so that what a test sets is taken back
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def test_is_remote() -> None:
    assert is_remote("root://host//a.root")
    assert is_remote("https://host/a.root")
    assert not is_remote("/data/a:b.root")
    assert not is_remote("a//b.root")


def test_what_the_user_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XRD_CONNECTIONRETRY", "5")
    prepare_client()
    assert {name: os.environ[name] for name in CLIENT_SETTINGS} == {**CLIENT_SETTINGS, "XRD_CONNECTIONRETRY": "5"}


def test_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    assert request_timeout() == 60
    monkeypatch.setenv("XRD_REQUESTTIMEOUT", "7")
    assert request_timeout() == 7
    assert file_system("root://127.0.0.1:1//store/a.root")[0].timeout == 7
    for wrong in ("0", "1.5", "-1", "soon"):
        monkeypatch.setenv("XRD_REQUESTTIMEOUT", wrong)
        with pytest.raises(ConfigError, match=f"XRD_REQUESTTIMEOUT is '{wrong}', expected a positive integer"):
            request_timeout()


def test_threads_share_no_file_system() -> None:
    # closing the files of one would close those that another reads
    def system(_: int) -> int:
        return id(file_system("root://127.0.0.1:1//store/a.root")[0])

    here = {system(0), system(1)}
    with ThreadPoolExecutor(1) as pool:
        there = set(pool.map(system, range(2)))
    assert len(here) == len(there) == 1
    assert here != there


def test_client_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "client_is_installed", lambda: False)
    with pytest.raises(ConfigError, match=r"install pocketlaw\[xrootd\]"), open_root("root://host//a.root"):
        pass


def test_token_in_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "abc")
    assert file_system("root://127.0.0.1:1//store/a.root?authz=$TOKEN")[1] == "/store/a.root?authz=abc"
    monkeypatch.delenv("TOKEN")
    with pytest.raises(ConfigError, match="needs a token in TOKEN"), open_root("root://127.0.0.1:1//a?authz=$TOKEN"):
        pass


def test_other_protocols() -> None:
    with pytest.raises(ConfigError, match=r"https://host/a\.root can't be read: of URLs only root://"):
        file_system("https://host/a.root")


def test_local_file_with_a_colon(tmp_path: Path) -> None:
    write_nano(tmp_path / "a:b.root", 7)
    with open_root(str(tmp_path / "a:b.root")) as file:
        assert file["Events"].num_entries == 7
    assert file.closed


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks at open files in /proc")
@pytest.mark.parametrize("content", [b"", b"no ROOT file"])
def test_what_is_no_root_file_is_closed(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.root"
    path.write_bytes(content)
    with pytest.raises(Exception, match=r"a\.root") as caught, open_root(str(path)):
        pass
    assert caught.value.__traceback__  # which holds what uproot opened
    files = [link for number in Path("/proc/self/fd").iterdir() if (link := os.path.realpath(number)) == str(path)]
    assert not files
