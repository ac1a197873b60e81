from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from pocket.base.snapshots.sources import is_secret, source_files
from pocket.errors import ConfigError
from tests.law_runner import ROOT

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl"
KEY = "-----BEGIN RSA PRIVATE KEY-----"


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=me", "-c", "user.email=me@localhost")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def fill(folder: Path) -> None:
    (folder / "params").mkdir(parents=True)
    for name, text in {
        "__init__.py": "",
        "committed.py": "pt = 1",
        "params/with space é.yaml": "",
        ".gitignore": "*.root\n/store/\n",
        "data.root": "",
        "forced.root": "",
        "store/out.json": "",
        "__pycache__/cuts.pyc": "",
        "x509up_u1000": "",
        ".globus/anything": "",
    }.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)


CODE = [".gitignore", "__init__.py", "committed.py", "params/with space é.yaml"]


def names(folder: Path) -> list[str]:
    return [path.as_posix() for path in source_files(folder)]


def test_repository(tmp_path: Path) -> None:
    fill(tmp_path)
    git(tmp_path, "init")
    git(tmp_path, "add", ".gitignore", "committed.py")
    git(tmp_path, "add", "--force", "forced.root")
    git(tmp_path, "commit", "-m", "one")
    # what isn't added counts, and what is excluded but added
    assert names(tmp_path) == sorted([*CODE, "forced.root"])
    # a folder in it
    assert names(tmp_path / "params") == ["with space é.yaml"]
    (tmp_path / "committed.py").unlink()
    assert "committed.py" not in names(tmp_path)


def test_repositories_in_a_repository(tmp_path: Path) -> None:
    fill(tmp_path)
    git(tmp_path, "init")
    fill(tmp_path / "mine")
    git(tmp_path / "mine", "init")
    assert names(tmp_path) == sorted([*CODE, *(f"mine/{name}" for name in CODE)])


def test_folder_of_no_repository(tmp_path: Path) -> None:
    fill(tmp_path)
    assert names(tmp_path) == CODE
    assert not (tmp_path / ".git").exists()


def test_links(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "elsewhere.yaml").write_text("")
    (tmp_path / "code" / "link.yaml").symlink_to(tmp_path / "elsewhere.yaml")
    (tmp_path / "code" / "broken.yaml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "code" / "folder").symlink_to(tmp_path)
    assert names(tmp_path / "code") == ["link.yaml"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x509up_u0", ""),
        ("bt_u1000", ""),
        ("key.pem", ""),
        (".netrc", ""),
        ("rucio.cfg", ""),
        ("proxy", f"-----BEGIN CERTIFICATE-----\nabc\n{KEY}\nabc\n"),
        ("idtoken", f"{TOKEN}\n"),
        ("wlcg.token", ""),
        (".pypirc", ""),
        ("notes.md", f"push with glpat-{'a1' * 10}\n"),
        ("settings.yaml", f"key: ghp_{'a1' * 18}\n"),
    ],
)
def test_secrets(tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    assert is_secret(path)
    assert names(tmp_path) == []


@pytest.mark.parametrize("content", [f"HEAD = '{KEY}'\n", f"token = {TOKEN!r}\n", "eyJ"])
def test_what_only_looks_like_one(tmp_path: Path, content: str) -> None:
    (tmp_path / "keys.py").write_text(content)
    assert not is_secret(tmp_path / "keys.py")


def test_all_of_this_project_is_listed() -> None:
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("no checkout")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {name for name in listed.stdout.splitlines() if (ROOT / name).exists()} <= set(names(ROOT))


def test_git_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = tmp_path / "git"
    command.write_text("#!/bin/sh\necho 'fatal: detected dubious ownership' >&2\nexit 128\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(ConfigError, match="can't be listed: git ls-files: fatal: detected dubious ownership"):
        source_files(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    with pytest.raises(ConfigError, match="can't be listed: git can't be run"):
        source_files(tmp_path)


def test_names_in_another_encoding_are_left_out(tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / os.fsdecode(b"m\xfcon.txt")).write_text("")
    assert names(tmp_path) == CODE
    git(tmp_path, "init")
    git(tmp_path, "add", ".")
    assert names(tmp_path) == CODE


def test_git_in_another_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, commands = tmp_path / "folder", tmp_path / "commands"
    fill(folder)
    commands.mkdir()
    command = commands / "git"
    command.write_text(
        "#!/bin/sh\n"
        'case "$LC_ALL $1" in\n'
        f'"C "*|*" init"|*" --git-dir"*) exec {shutil.which("git")} "$@";;\n'
        "esac\n"
        "echo 'fatal: Kein Git-Repository (oder irgendeines der Elternverzeichnisse): .git' >&2\nexit 128\n"
    )
    command.chmod(0o755)
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.setenv("PATH", str(commands), prepend=":")
    assert names(folder) == CODE
