"""setup.sh in real shells."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.checkout import NO_UV, PYTHON, SOURCE_AND_GO_ON, TASKS, Checkout, changed_python, runs, without_root_rights
from tests.law_runner import ROOT
from tests.waiting import PATIENCE, wait_for

SET_BY_SETUP = {
    "POCKET_ROOT", "POCKET_ENGINE", "POCKET_STORE", "LAW_HOME", "LAW_CONFIG_FILE", "VIRTUAL_ENV", "PATH", "PYTHONPATH",
}  # fmt: skip
UNREACHABLE = "http://127.0.0.1:9/simple"


@pytest.fixture(params=["bash", pytest.param("zsh", marks=pytest.mark.slow)])
def checkout(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Checkout]:
    if not shutil.which(request.param):
        pytest.skip(f"{request.param} is not installed")
    checkout = Checkout(tmp_path / "a checkout", tmp_path / "commands", request.param)
    checkout.make()
    # as if the tasks were indexed, which takes most of the time
    (checkout.root / ".law").mkdir()
    (checkout.root / ".law" / "index").touch()
    yield checkout
    if checkout.root.exists():
        checkout.set_writable(True)


@pytest.fixture
def fresh_checkout(checkout: Checkout) -> Checkout:
    shutil.rmtree(checkout.root / ".law")
    return checkout


def test_a_script_can_source_it_and_run_a_task(fresh_checkout: Checkout) -> None:
    result = fresh_checkout.run('source "$SETUP" && law run Hello --version v1')
    assert result.returncode == 0
    status = result.stdout.splitlines()[0]
    assert status.startswith("Pocketlaw: made .venv with uv in ")
    assert status.endswith(f" s, indexed the tasks; outputs go to {fresh_checkout.root}/store")
    assert (fresh_checkout.root / "store" / "hello_v1.txt").read_text() == "hello"


def test_packages_are_compiled_without_their_tests(checkout: Checkout) -> None:
    checkout.set_up()
    own = checkout.root / ".venv" / "lib" / "own"
    assert len(list((own / "__pycache__").glob("module.*.pyc"))) == 1
    assert not (own / "tests" / "__pycache__").exists()


def test_scripts_get_the_command_that_knows_names(checkout: Checkout) -> None:
    command = checkout.root / "tasks" / "command" / "bin" / "law"
    command.parent.mkdir(parents=True)
    shutil.copy(ROOT / "tasks" / "command" / "bin" / "law", command)
    assert checkout.run('source "$SETUP" && bash -c "command -v law"').stdout.splitlines()[-1] == str(command)


def test_variables(checkout: Checkout) -> None:
    result = checkout.run('source "$SETUP" && exec env', PYTHONPATH="/mine", PYTHONHOME="/elsewhere")
    found = dict(line.split("=", 1) for line in result.stdout.splitlines() if "=" in line)
    assert {name: found[name] for name in SET_BY_SETUP} == {
        "POCKET_ROOT": f"{checkout.root}",
        "POCKET_ENGINE": f"{checkout.root}",
        "POCKET_STORE": f"{checkout.root}/store",
        "LAW_HOME": f"{checkout.root}/.law",
        "LAW_CONFIG_FILE": f"{checkout.root}/law.cfg",
        "VIRTUAL_ENV": f"{checkout.root}/.venv",
        "PATH": f"{checkout.root}/tasks/command/bin:{checkout.root}/.venv/bin:{checkout.environment()['PATH']}",
        "PYTHONPATH": f"{checkout.root}:/mine",
    }
    assert "PYTHONHOME" not in found


def test_repository_of_an_analysis(checkout: Checkout, tmp_path: Path) -> None:
    """Its Pocketlaw is one of the packages."""
    (checkout.root / "requirements.txt").write_text("pocketlaw\n")
    taken = checkout.root / "tasks"
    assert checkout.error() == f"{taken} would be taken for Pocketlaw's package tasks: give it another name"
    shutil.move(taken, tmp_path / "engine" / "tasks")
    assert checkout.error() == (
        f".venv/bin/python has no Pocketlaw: install it there, or name it in {checkout.root}/requirements.txt"
    )
    (tmp_path / "engine" / "pocket").mkdir()
    (tmp_path / "engine" / "pocket" / "__init__.py").touch()
    environment = {"PYTHONPATH": str(tmp_path / "engine")}
    assert "indexed the tasks" in checkout.set_up(**environment)
    assert "nothing to do" in checkout.set_up(**environment)
    found = checkout.run('source "$SETUP" >/dev/null && echo "$POCKET_ENGINE"', **environment)
    assert found.stdout.strip() == str(tmp_path / "engine")
    calls = (checkout.commands / "uv.calls").read_text()
    assert calls.count("-r requirements.txt") == 1
    assert not (checkout.root / ".venv" / "bin" / "pocketlaw").exists()
    # another source of Pocketlaw needs another environment
    (checkout.root / "requirements.txt").write_text("pocketlaw==2\n")
    assert "made .venv" in checkout.set_up(**environment)


def test_command(checkout: Checkout) -> None:
    checkout.set_up()
    command = checkout.root / ".venv" / "bin" / "pocketlaw"
    assert os.access(command, os.X_OK)
    (checkout.root / "tasks" / "command").mkdir()
    (checkout.root / "tasks" / "command" / "__main__.py").write_text("import sys\nprint(sys.argv[1:], sys.prefix)\n")
    run = checkout.run('source "$SETUP" >/dev/null && cd / && pocketlaw new "a b"')
    assert run.stdout.strip() == f"['new', 'a b'] {checkout.root}/.venv"
    # A shell that hasn't sourced setup.sh has neither its PATH nor its PYTHONPATH.
    run = checkout.run(f'cd / && {shlex.quote(str(command))} new "a b"')
    assert run.stdout.strip() == f"['new', 'a b'] {checkout.root}/.venv"


def test_packages_that_would_replace_installed_ones_are_left_out(checkout: Checkout, tmp_path: Path) -> None:
    checkout.set_up()
    (installed,) = (checkout.root / ".venv" / "lib").glob("python*/site-packages")
    for folder in (installed, tmp_path / "view"):
        for name in ("awkward", "numpy"):
            (folder / name).mkdir(parents=True, exist_ok=True)
            (folder / name / "__init__.py").touch()
    # a folder of that name, without code, replaces nothing
    (tmp_path / "mine" / "numpy").mkdir(parents=True)
    (tmp_path / "mine" / "cuts.py").touch()
    paths = f"{tmp_path}/view:{tmp_path}/mine:{tmp_path}/none"
    result = checkout.run('source "$SETUP" && echo "$PYTHONPATH"', PYTHONPATH=paths)
    assert result.stdout.splitlines()[-1] == f"{checkout.root}:{tmp_path}/mine:{tmp_path}/none"
    assert f"setup.sh: left {tmp_path}/view out of PYTHONPATH: its awkward, numpy would be taken for" in result.stderr


def test_the_packages_of_a_view_on_purpose(checkout: Checkout, tmp_path: Path) -> None:
    modules = ("law", "luigi", "coffea", "awkward", "uproot", "hist", "correctionlib", "numba", "h5py", "omegaconf")
    view = tmp_path / "view"
    view.mkdir()
    for name in (*modules, "yaml", "matplotlib", "mplhep", "scipy", "iminuit"):
        (view / f"{name}.py").touch()
    checkout.add_command("law", "#!/bin/sh\nexit 0\n")
    system = {"POCKET_ENVIRONMENT": "system", "PYTHONPATH": str(view)}
    result = checkout.run('source "$SETUP" && echo "$PYTHONPATH" "${VIRTUAL_ENV:-none}"', **system)
    assert result.stdout.splitlines()[-1] == f"{checkout.root}:{view} none", result.stderr
    assert not (checkout.root / ".venv").exists()
    (view / "coffea.py").unlink()
    assert "lacks coffea: install them there" in checkout.error(**system)
    assert "POCKET_ENVIRONMENT is sytem, expected system or nothing" in checkout.error(POCKET_ENVIRONMENT="sytem")


@pytest.fixture
def image(checkout: Checkout, tmp_path: Path) -> Path:
    """A folder like /opt/pocketlaw of the image: the packages of the running Python, and the lock that they are of."""
    image = tmp_path / "image"
    (image / "bin").mkdir(parents=True)
    shutil.copy(Path(sys.prefix) / "pyvenv.cfg", image)
    (image / "bin" / "python3").symlink_to(PYTHON)
    (image / "bin" / "python").symlink_to("python3")
    (image / "lib").symlink_to(Path(sys.prefix) / "lib")
    shutil.copy(checkout.root / "requirements.lock", image)
    checkout.add_command("law", "#!/bin/sh\nexit 0\n")
    return image


def test_the_packages_of_an_image(checkout: Checkout, image: Path, tmp_path: Path) -> None:
    view = tmp_path / "view"
    (view / "numpy").mkdir(parents=True)
    (view / "numpy" / "__init__.py").touch()
    (tmp_path / "mine").mkdir()
    system = {"POCKET_ENVIRONMENT": "system", "PATH": f"{image}/bin:{checkout.environment()['PATH']}"}
    script = 'source "$SETUP" && echo "$PYTHONPATH" && python -c "import sys; print(sys.prefix)"'
    result = checkout.run(script, **system, PYTHONPATH=f"{view}:{tmp_path}/mine")
    status, paths, prefix = result.stdout.splitlines()
    assert status == f"Pocketlaw: nothing to do; outputs go to {checkout.root}/store"
    assert paths == f"{checkout.root}:{tmp_path}/mine"
    assert result.stderr.startswith(f"setup.sh: left {view} out of PYTHONPATH: its numpy would be taken for those")
    assert len(result.stderr.splitlines()) == 1
    assert prefix == str(image)
    assert not (checkout.root / ".venv").exists()


def test_an_image_of_another_lock(checkout: Checkout, image: Path) -> None:
    (checkout.root / "requirements.lock").write_text("law==0\n")
    system = {"POCKET_ENVIRONMENT": "system", "PATH": f"{image}/bin:{checkout.environment()['PATH']}"}
    result = checkout.run('source "$SETUP"', **system)
    assert result.returncode == 0
    assert result.stderr.startswith(
        f"setup.sh: {image} has the packages of another requirements.lock than this checkout"
    )


def test_second_time_does_nothing(checkout: Checkout) -> None:
    checkout.set_up()
    # Neither uv nor law is there any more: what takes long isn't started.
    checkout.add_command("uv", NO_UV)
    (checkout.root / ".venv" / "bin" / "law").unlink()
    result = checkout.run('source "$SETUP" && source "$SETUP" && echo "$PATH" && echo "$PYTHONPATH"')
    first, second, path, python_path = result.stdout.splitlines()
    assert first == second == f"Pocketlaw: nothing to do; outputs go to {checkout.root}/store"
    assert path.count(str(checkout.root)) == 2
    assert python_path == str(checkout.root)
    assert result.stderr == ""
    assert checkout.installations() == 1


@pytest.mark.parametrize("options", ["set +e", "set -e; set -u; set -o pipefail"])
def test_shell_is_left_as_it_was(checkout: Checkout, options: str) -> None:
    list_state = {
        "bash": "pwd; set -o; shopt; compgen -v; compgen -A function; true",
        "zsh": "pwd; setopt; print -l ${(ok)parameters} ${(ok)functions}",
    }[checkout.shell]
    script = f'{options}; cd /usr; before=; before="$({list_state})"; source "$SETUP"; after="$({list_state})"'
    result = checkout.run(f'{script}; echo "$before"; echo ---; echo "$after"')
    assert result.returncode == 0
    before, after = ({*part.splitlines()} for part in result.stdout.split("\n", 1)[1].split("---\n"))
    assert before - after == set()
    assert after - before <= SET_BY_SETUP | {"PIPESTATUS"}


def test_relative_path(checkout: Checkout) -> None:
    result = checkout.run('cd "${SETUP%/*}/tasks" && source ../setup.sh && echo "$POCKET_ROOT" && pwd', CDPATH="/")
    assert result.stdout.splitlines()[1:] == [str(checkout.root), f"{checkout.root}/tasks"]


def test_store_of_the_user_is_kept_but_not_that_of_another_checkout(checkout: Checkout) -> None:
    assert checkout.set_up(POCKET_STORE="/store").endswith("; outputs go to /store")
    line = checkout.set_up(POCKET_ROOT="/other", POCKET_STORE="/other/store")
    assert line.endswith(f"; outputs go to {checkout.root}/store")


def test_tasks_are_indexed_again_when_they_change(checkout: Checkout) -> None:
    checkout.set_up()
    (checkout.root / "tasks" / "more.py").write_text("")
    assert "Pocketlaw: indexed the tasks;" in checkout.set_up()
    assert "Pocketlaw: nothing to do;" in checkout.set_up()


def test_tasks_are_indexed_again_when_a_package_is_installed(checkout: Checkout) -> None:
    checkout.set_up()
    # beside that of the stand-in, which is a link to the running Python's
    packages = checkout.root / ".venv" / "lib" / "python3" / "site-packages"
    # Python compiles modules there later, which adds no task
    (packages / "__pycache__").mkdir(parents=True)
    assert "Pocketlaw: nothing to do;" in checkout.set_up()
    (packages / "our_group-1.0.dist-info").mkdir()
    assert "Pocketlaw: indexed the tasks;" in checkout.set_up()
    assert "Pocketlaw: nothing to do;" in checkout.set_up()


@pytest.mark.parametrize("folder", ["checkout", "another folder"])
def test_modules_of_law_cfg_are_indexed_again_when_they_change(checkout: Checkout, tmp_path: Path, folder: str) -> None:
    place = checkout.root if folder == "checkout" else tmp_path / folder
    place.mkdir(exist_ok=True)
    paths = {"PYTHONPATH": str(place)}
    (place / "my_tasks.py").write_text("")
    (place / "beside.py").write_text("")
    config = checkout.root / "law.cfg"
    config.write_text(config.read_text().replace("[modules]\n", "[modules]\nmy_tasks\n"))
    assert "indexed the tasks;" in checkout.set_up(**paths)
    (place / "beside.py").write_text("LIMIT = 1")
    assert "Pocketlaw: nothing to do;" in checkout.set_up(**paths)
    (place / "my_tasks.py").write_text(TASKS.replace("Hello", "Mine"))
    assert "Pocketlaw: indexed the tasks;" in checkout.set_up(**paths)
    assert "my_tasks:Mine:" in (checkout.root / ".law" / "index").read_text()
    assert "Pocketlaw: nothing to do;" in checkout.set_up(**paths)


def test_tasks_that_cannot_be_imported(checkout: Checkout) -> None:
    (checkout.root / "tasks" / "__init__.py").write_text("import not_a_module\n")
    for _ in range(2):
        error = checkout.error()
        assert error.startswith("the tasks can't be indexed. Last of ")
        assert error.endswith("No module named 'not_a_module'")


@pytest.mark.parametrize("options", ["true", "set -eu"])
def test_completion_in_interactive_shells(fresh_checkout: Checkout, options: str) -> None:
    # law's completion can't cope with a space in its path
    checkout = replace(fresh_checkout, root=fresh_checkout.root.rename(fresh_checkout.root.with_name("checkout")))
    (checkout.commands / ".zshrc").touch()
    registered = {"bash": "complete -p law", "zsh": 'echo "$_comps[law]"'}[checkout.shell]
    complete = "set +eu; COMP_WORDS=(law run He); COMP_CWORD=2; _law_complete; echo ${COMPREPLY[*]}"
    result = checkout.run(f'{options}; source "$SETUP"; echo "$-"; {registered}; {complete}', "-i")
    status, flags, function, completed = result.stdout.splitlines()
    assert status.startswith("Pocketlaw: ")
    assert ("u" in flags) == (options == "set -eu")
    assert "_law_complete" in function
    assert completed == "Hello"


def test_no_completion_in_scripts(checkout: Checkout) -> None:
    assert checkout.run('source "$SETUP" && ! type _law_complete').returncode == 0


def test_changed_lock_updates_and_a_failed_update_keeps_the_old(checkout: Checkout) -> None:
    lock = checkout.root / "requirements.lock"
    old = lock.read_text()
    checkout.set_up()
    lock.write_text(old + "# changed\n")
    error = checkout.error(UV_FAILS="yes")
    assert error.startswith("uv could not install requirements.lock, is there a network? Last of ")
    assert error.endswith(": cause: out of stock")

    lock.write_text(old)
    assert "nothing to do" in checkout.set_up()

    lock.write_text(old + "# changed\n")
    assert "made .venv with uv" in checkout.set_up()
    assert "nothing to do" in checkout.set_up()
    assert not (checkout.root / ".law" / "venv.before").exists()


def test_packages_of_developers_stay(checkout: Checkout) -> None:
    # An analysis' repository has none, and is set up in the same shell.
    assert "made .venv" in checkout.set_up(POCKET_DEV="yes")
    lock = checkout.root / "requirements-dev.lock"
    lock.write_text("hypothesis\n")
    assert "nothing to do" in checkout.set_up()
    assert "made .venv" in checkout.set_up(POCKET_DEV="yes")
    assert "nothing to do" in checkout.set_up()
    lock.write_text("hypothesis==2\n")
    assert "made .venv" in checkout.set_up()
    calls = (checkout.commands / "uv.calls").read_text().splitlines()
    installed = [call.rpartition(" ")[2] for call in calls if call.startswith("pip sync")]
    assert installed == ["requirements.lock", "requirements-dev.lock", "requirements-dev.lock"]


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_interrupted_installation_does_not_count(checkout: Checkout, sent: signal.Signals) -> None:
    process = checkout.start('source "$SETUP"', UV_SLEEP="3000")
    # not before the stand-in for uv sleeps: an interrupt between a shell's fork and exec is lost to the command
    wait_for(lambda: process.poll() is not None or runs("sleep", process.pid))
    assert process.poll() is None
    assert checkout.installations() == 1
    os.killpg(process.pid, sent)
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode != 0
    assert out == ""
    assert "made .venv with uv" in checkout.set_up()
    assert checkout.installations() == 2


def test_two_shells_at_once(checkout: Checkout) -> None:
    # The first one installs until the second one has said that it waits.
    waits = checkout.commands / "waits"
    script = f'source "$SETUP" 2> >(tee -a {waits} >&2)'
    shells = [checkout.start(script, UV_WAITS=str(waits)) for _ in range(2)]
    outputs = [shell.communicate(timeout=PATIENCE) for shell in shells]
    assert [shell.returncode for shell in shells] == [0, 0]
    assert sum("another shell is setting up" in err for _, err in outputs) == 1
    assert sum("made .venv with uv" in out for out, _ in outputs) == 1
    assert checkout.installations() == 1


def test_venv_whose_python_is_gone_is_made_anew(checkout: Checkout) -> None:
    checkout.set_up()
    python = checkout.root / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/gone/python3")
    assert "made .venv with uv" in checkout.set_up()


def test_jobs_install_nothing(checkout: Checkout) -> None:
    checkout.set_up()
    never = {"POCKET_INSTALL": "never"}
    assert "nothing to do" in checkout.set_up(**never)
    venv, python = checkout.root / ".venv", checkout.root / ".venv" / "bin" / "python"
    there = python.readlink()
    python.unlink()
    python.symlink_to("/gone/python3")
    before = {path: path.lstat().st_mtime_ns for path in venv.rglob("*")}
    result = checkout.run(SOURCE_AND_GO_ON, **never)
    assert f"can't run the Python of {checkout.root}/.venv, /gone/python3: choose nodes or a container" in result.stderr
    assert {path: path.lstat().st_mtime_ns for path in venv.rglob("*")} == before
    python.unlink()
    python.symlink_to(there)
    (venv / ".pocketlaw").write_text("of another lock")
    result = checkout.run(SOURCE_AND_GO_ON, **never)
    (sentence,) = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert f"the environment of {checkout.root} isn't complete" in sentence
    assert (venv / ".pocketlaw").read_text() == "of another lock"


def test_moved_checkout_gets_a_venv_of_its_own(checkout: Checkout) -> None:
    checkout.set_up()
    moved = replace(checkout, root=checkout.root.rename(checkout.root.with_name("moved")))
    assert "made .venv with uv" in moved.set_up()


def add_old_pythons(checkout: Checkout) -> None:
    for version in ("3", "3.11", "3.12", "3.13", "3.14"):
        checkout.add_command(f"python{version}", changed_python('sys.version_info = (3, 9, 18, "final", 0)'))


def test_too_old_python(checkout: Checkout) -> None:
    add_old_pythons(checkout)
    assert checkout.error().startswith("Pocketlaw needs Python 3.11 or newer, but none of python3 ")
    assert not (checkout.root / ".venv").exists()


def test_newer_python_is_found_behind_an_old_one(checkout: Checkout) -> None:
    add_old_pythons(checkout)
    (checkout.commands / "python3.12").unlink()
    (checkout.commands / "python3.12").symlink_to(PYTHON)
    assert "made .venv with uv" in checkout.set_up()


def test_chosen_python(checkout: Checkout) -> None:
    add_old_pythons(checkout)
    assert "made .venv with uv" in checkout.set_up(POCKET_PYTHON=str(PYTHON))
    assert f"venv --python {PYTHON} .venv" in (checkout.commands / "uv.calls").read_text()
    chosen = f"{checkout.commands}/python3"
    assert f"none of {chosen} is" in checkout.error(POCKET_PYTHON=chosen)


def test_python_that_cannot_make_a_venv(checkout: Checkout) -> None:
    python = checkout.commands / "python3"
    statements = f'sys.executable = "{python}"; sys.modules["ensurepip"] = None'
    checkout.add_command("python3", changed_python(statements))
    checkout.add_command("uv", NO_UV)
    assert checkout.error().startswith(f"{python} can't make virtual environments")


def test_read_only_checkout(checkout: Checkout) -> None:
    checkout.set_writable(False)
    error = checkout.error(without_root_rights(SOURCE_AND_GO_ON))
    assert error.startswith(f"{checkout.root} is read-only and its environment isn't complete")


def test_read_only_checkout_that_is_set_up(checkout: Checkout) -> None:
    checkout.set_up()
    checkout.set_writable(False)
    assert "nothing to do" in checkout.run(without_root_rights('source "$SETUP"')).stdout


@pytest.fixture(params=["uv", "pip"])
def offline(request: pytest.FixtureRequest, checkout: Checkout) -> dict[str, str]:
    """The variables that point the real installer to an index that isn't there, with an empty cache."""
    cache = str(checkout.commands / "cache")
    if request.param == "pip":
        checkout.add_command("uv", NO_UV)
        return {
            "PIP_INDEX_URL": UNREACHABLE,
            "PIP_CACHE_DIR": cache,
            "PIP_RETRIES": "0",
            "PIP_CONFIG_FILE": "/dev/null",
        }
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("uv is not installed")
    (checkout.commands / "uv").unlink()
    (checkout.commands / "uv").symlink_to(uv)
    return {"UV_DEFAULT_INDEX": UNREACHABLE, "UV_HTTP_RETRIES": "0", "UV_CACHE_DIR": cache}


@pytest.mark.slow
def test_no_network(checkout: Checkout, offline: dict[str, str]) -> None:
    assert "could not install requirements.lock, is there a network? Last of " in checkout.error(**offline)
    assert not (checkout.root / ".venv").exists()


@pytest.mark.slow
@pytest.mark.parametrize("checkout", ["bash"], indirect=True)
def test_hashes_are_checked(checkout: Checkout, offline: dict[str, str]) -> None:
    path = checkout.commands / "tiny-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("tiny-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1\n")
        wheel.writestr("tiny-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("tiny-1.dist-info/RECORD", "")
    (checkout.root / "requirements.lock").write_text(f"tiny @ {path.as_uri()} --hash=sha256:{'0' * 64}\n")
    assert "could not install" in checkout.error(**offline)
    assert "0" * 64 in (checkout.root / ".law" / "setup.log").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("checkout", ["bash"], indirect=True)
def test_scripts_of_packages_run_in_a_folder_with_a_space(checkout: Checkout, offline: dict[str, str]) -> None:
    assert " " in checkout.root.name
    path = checkout.commands / "law-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("law-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: law\nVersion: 1\n")
        wheel.writestr("law-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("law-1.dist-info/RECORD", "")
        script = zipfile.ZipInfo("law-1.data/scripts/law")
        script.external_attr = 0o100755 << 16
        wheel.writestr(script, "#!python\nimport sys\nprint(sys.argv[1:], sys.prefix)\n")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    (checkout.root / "requirements.lock").write_text(f"law @ {path.as_uri()} --hash=sha256:{digest}\n")
    assert "made .venv" in checkout.set_up(**offline)
    run = checkout.run('source "$SETUP" >/dev/null && law run "a b"', **offline)
    assert (run.stdout, run.stderr) == (f"['run', 'a b'] {checkout.root}/.venv\n", "")


@pytest.mark.slow
@pytest.mark.parametrize("checkout", ["bash"], indirect=True)
@pytest.mark.parametrize(
    ("variables", "fails", "place"),
    [
        ({}, False, "own"),
        ({"UV_FAILS": "yes"}, True, "own"),
        # Then pip installs nothing where there is no virtual environment.
        ({"PIP_REQUIRE_VIRTUALENV": "true"}, False, "venv"),
    ],
)
def test_pip_gets_uv_where_there_is_none(
    checkout: Checkout, variables: dict[str, str], fails: bool, place: str
) -> None:
    stand_in = checkout.commands / "real" / "uv"
    stand_in.parent.mkdir()
    (checkout.commands / "uv").rename(stand_in)
    (checkout.commands / "law_command").rename(stand_in.with_name("law_command"))
    checkout.add_command("uv", NO_UV)
    path = checkout.commands / "uv-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("uv-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: uv\nVersion: 1\n")
        wheel.writestr("uv-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("uv-1.dist-info/RECORD", "")
        began = checkout.commands / "began"
        recorded = f'#!/bin/sh\necho "$0" >>{began}\nexec {stand_in} "$@"\n'
        for name, text in (("uv", recorded), ("law", "#!/bin/sh\nexit 0\n")):
            script = zipfile.ZipInfo(f"uv-1.data/scripts/{name}")
            script.external_attr = 0o100755 << 16
            wheel.writestr(script, text)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    lock = f"uv @ {path.as_uri()} \\\n    --hash=sha256:{digest}\n    # via nothing\n"
    (checkout.root / "requirements.lock").write_text(lock)
    run = checkout.run('source "$SETUP"', **variables)
    assert run.returncode == 0, run.stderr
    assert set(began.read_text().splitlines()) == {f"{checkout.root}/.law/uv/{place}/bin/uv"}
    calls = (checkout.commands / "uv.calls").read_text()
    assert "pip sync" in calls
    assert f"made .venv with {'pip' if fails else 'uv'} in " in run.stdout
    assert ("uv could not install them, trying pip: cause: out of stock" in run.stderr) == fails
    assert not (checkout.root / ".law" / "uv").exists()


def test_run_instead_of_sourced(checkout: Checkout) -> None:
    result = subprocess.run(["bash", checkout.root / "setup.sh"], env=checkout.environment(), capture_output=True)
    assert result.returncode == 1
    assert result.stderr == b"setup.sh: source this file instead of running it: source setup.sh\n"
