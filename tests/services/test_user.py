"""The ordinary user of the tests: made anew by .ci/user, and every folder in the home belongs to it."""

from __future__ import annotations

import pwd
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.law_runner import ROOT
from tests.services.checkout import make_folder
from tests.services.conftest import User

pytestmark = pytest.mark.root


@pytest.fixture
def name() -> Iterator[str]:
    """A name that no user of this machine has."""
    name = f"pocketlaw-{secrets.token_hex(4)}"
    yield name
    subprocess.run(["userdel", "--force", "--remove", name], stderr=subprocess.DEVNULL)


def make_user(name: str) -> str:
    """Run the script, and return what it says."""
    result = subprocess.run([ROOT / ".ci" / "user", name], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stderr


def user_named(name: str) -> User:
    entry = pwd.getpwnam(name)
    return User(entry.pw_uid, entry.pw_gid, Path(entry.pw_dir))


def test_a_user_that_the_script_made_is_made_anew(name: str) -> None:
    make_user(name)
    before = user_named(name)
    before.run("touch", "kept")
    # Of root, as what earlier tests made there by mistake.
    (before.folder / ".cache" / "uv").mkdir(parents=True)
    process = subprocess.Popen(before.command("sleep", "1000"))
    try:
        make_user(name)
        assert process.wait(timeout=60) == -9
    finally:
        process.kill()
    assert user_named(name).folder == before.folder
    assert not {"kept", ".cache"} & {path.name for path in before.folder.iterdir()}
    user_named(name).run("touch", "new")


def test_a_user_of_somebody_else_stays(name: str) -> None:
    subprocess.run(["useradd", "--create-home", name], check=True)
    (user_named(name).folder / "kept").touch()
    assert f"user {name} was not made by this script and stays as it is" in make_user(name)
    assert (user_named(name).folder / "kept").exists()


@pytest.mark.parametrize("earlier", [False, True])
def test_folders_in_the_home_belong_to_the_user(name: str, earlier: bool) -> None:
    make_user(name)
    user = user_named(name)
    if earlier:
        (user.folder / ".cache").mkdir()
    made = make_folder(user, user.folder / ".cache" / "tests" / "deep")
    for folder in (made, *made.parents[:2]):
        assert folder.stat().st_uid == user.uid
    user.run("mkdir", str(user.folder / ".cache" / "uv"))
    # Folders above the home are not touched.
    assert user.folder.parent.owner() == "root"
