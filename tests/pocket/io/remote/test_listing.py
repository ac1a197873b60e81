"""What needs no server; tests/services/test_remote_files.py lists real ones."""

from __future__ import annotations

from functools import partial

import pytest

from pocket.errors import DatasetError
from pocket.io.remote import listing
from pocket.io.remote.attempts import first_readable
from pocket.io.remote.listing import files_in, files_like, is_file_name, remote_path


def test_paths() -> None:
    assert remote_path("root://user@host:1094//store/a b?.root") == "/store/a b?.root"


@pytest.mark.parametrize("url", ["root://host", "root://host/", "root://host/store/a", "roots://host//a", "root:////a"])
def test_wrong_form(url: str) -> None:
    for function in (remote_path, files_in, files_like):
        with pytest.raises(DatasetError, match=f"'{url}' is not of the form root://host//path"):
            function(url)


def test_files_and_folders() -> None:
    assert is_file_name("root://host//store/a.root")
    assert not is_file_name("root://host//store/a.root/")
    assert not is_file_name("root://host//store/v1.5")


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "first_readable", partial(first_readable, pauses=()))
    with pytest.raises(DatasetError, match=r"^root://127\.0\.0\.1:1//store/\*\.root can't be listed: \[FATAL\]"):
        files_like("root://127.0.0.1:1//store/*.root")
