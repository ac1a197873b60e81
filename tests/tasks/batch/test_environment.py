from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pocket.errors import ConfigError
from tasks.batch import environment
from tasks.batch.environment import JobEnvironment, code_members, job_environment
from tests.law_runner import ROOT

SMALL = ROOT / "tests" / "tasks" / "small"


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("POCKET_ROOT", str(ROOT))
    monkeypatch.setenv("POCKET_STORE", str(tmp_path / "store"))
    yield
    environment._bundle.cache_clear()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout of the few files that matter here."""
    folder = tmp_path / "checkout"
    shutil.copytree(SMALL, folder / "analysis" / "small", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "law.cfg").write_text("[modules]\n")
    (folder / "store").mkdir()
    (folder / "store" / "out.json").write_text("")
    script = Path("tasks", "batch", "one_start.sh")
    (folder / script.parent).mkdir(parents=True)
    shutil.copy(ROOT / script, folder / script)
    return folder


def test_shared() -> None:
    found = job_environment("shared", Path("/bundles"), "./mine")
    assert found.bootstrap_file.is_file()
    store = {"pocket_store": os.environ["POCKET_STORE"], "pocket_remote_store": ""}
    own = {"pocket_root": str(ROOT), "pocket_environment": "", "law_config": ""}
    assert found.variables == {**own, **store, **environment.NOTHING_KNOWN}
    assert (dict(found.files), found.disk) == ({}, 0)
    # jobs begin in another folder
    assert found.analysis == str(Path.cwd() / "mine")
    assert job_environment("shared", Path("/bundles"), "zmumu").analysis == "zmumu"


def test_jobs_have_the_settings_of_the_command(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_ROOT", str(root))
    (root / "setup.sh").write_text(f"export LAW_CONFIG_FILE='{root}/law.cfg' POCKET_ENGINE='{root}'\n")
    own = tmp_path / "my law.cfg"
    for file, expected in ((root / "law.cfg", root / "law.cfg"), (own, own)):
        monkeypatch.setenv("LAW_CONFIG_FILE", str(file))
        made = job_environment("shared", Path("/bundles"), "zmumu", make=False)
        text = made.bootstrap_file.read_text()
        for name, value in made.variables.items():
            text = text.replace(f"{{{{{name}}}}}", shlex.quote(value))
        (tmp_path / "bootstrap.sh").write_text(text)
        script = 'set -e; source bootstrap.sh >&2; printf %s "$LAW_CONFIG_FILE"'
        run = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert run.stdout == str(expected), run.stderr


def test_code_of_an_analysis_in_the_checkout(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_STORE", str(root / "store"))
    members, reference = code_members(root, str(root / "analysis" / "small"))
    assert reference == "./bundle/checkout/analysis/small"
    assert members["checkout/analysis/small/cuts.py"] == root / "analysis" / "small" / "cuts.py"
    assert "checkout/law.cfg" in members
    assert not [name for name in members if "store" in name]


def test_code_of_an_analysis_elsewhere(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = tmp_path / "mine"
    shutil.copytree(root / "analysis" / "small", mine)
    members, reference = code_members(root, str(mine))
    assert reference == "./bundle/outside/mine"
    assert members["outside/mine/parameters.yaml"] == mine / "parameters.yaml"
    # by its name, if Python finds it
    (mine / "muons").mkdir()
    (mine / "muons" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    members, reference = code_members(root, "mine.muons")
    assert reference == "mine.muons"
    assert {"outside/mine/__init__.py", "outside/mine/muons/__init__.py"} <= set(members)


def test_analysis_of_the_project_and_of_a_package(root: Path) -> None:
    for name in ("zmumu", "numpy.linalg"):
        members, reference = code_members(ROOT, name)
        assert reference == name
        assert {name.partition("/")[0] for name in members} == {"checkout"}


def test_what_is_no_code(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / ".gitignore").write_text("analysis/\n")
    with pytest.raises(ConfigError, match=r"small/__init__.py wouldn't be in the bundle: a .gitignore excludes it"):
        code_members(root, str(root / "analysis" / "small"))
    (root / ".gitignore").unlink()
    with pytest.raises(ConfigError, match=r"package 'nowhere' of --analysis nowhere.at_all has no folder"):
        code_members(root, "nowhere.at_all")
    (root / "events.bin").write_bytes(bytes(20_000))
    monkeypatch.setattr(environment, "MAX_CODE", 20_000)
    with pytest.raises(ConfigError, match=r"has 0 MB, more than 0 MB; the largest file is .*/events.bin: name in"):
        code_members(root, str(root / "analysis" / "small"))


@pytest.fixture
def bundle(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> JobEnvironment:
    """A bundle whose only package is a law that tells where it is."""
    site = tmp_path / "site"
    (site / "law" / "cli").mkdir(parents=True)
    (site / "law" / "cli" / "law").write_text(
        "import os, sys\nprint(sys.prefix, os.environ['POCKET_ROOT'], *sys.argv[1:])\nsys.exit(7)\n"
    )
    monkeypatch.setenv("POCKET_ROOT", str(root))
    monkeypatch.setattr(environment, "site_packages", lambda: site)
    monkeypatch.setattr(environment, "package_files", lambda: [Path("law/cli/law")])
    return job_environment("bundle", tmp_path / "bundles", str(root / "analysis" / "small"))


def start(bundle: JobEnvironment, folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Source the bootstrap file as a job does: with variables filled in, beside the files."""
    folder.mkdir()
    for path in bundle.files.values():
        (folder / path.name).symlink_to(path)
    variables = {**bundle.variables, **{name: path.name for name, path in bundle.files.items()}}
    text = re.sub(r"\{\{(\w+)\}\}", lambda match: shlex.quote(variables[match[1]]), bundle.bootstrap_file.read_text())
    (folder / "bootstrap.sh").write_text(text)
    command = ["bash", "-c", f"source bootstrap.sh || exit 20; {script}"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.mark.parametrize("name", ["a b", "$HOME", "`id`", "$(id)", "it's", 'the "store"', "back\\slash", "a;b&c|d"])
def test_no_shell_reads_the_name_of_the_store(bundle: JobEnvironment, tmp_path: Path, name: str) -> None:
    here = replace(bundle, variables={**bundle.variables, "pocket_store": f"/data/{name}"})
    run = start(here, tmp_path / "job", 'printf %s "$POCKET_STORE"')
    assert (run.stdout, run.stderr) == (f"/data/{name}", "")


def test_set_up_commands_of_a_site(bundle: JobEnvironment, tmp_path: Path) -> None:
    view = "export OF_THE_VIEW='a b'; echo set up"
    run = start(
        replace(bundle, variables={**bundle.variables, "site_setup": view}), tmp_path / "job", "echo $OF_THE_VIEW"
    )
    assert run.stdout.splitlines() == ["set up", "a b"]
    run = start(replace(bundle, variables={**bundle.variables, "site_setup": "false"}), tmp_path / "other", "echo on")
    assert (run.returncode, run.stdout) == (20, "")
    assert run.stderr.startswith("error: the set-up commands of the site failed on ")


def test_job_that_a_node_started_outside_of_the_container(
    bundle: JobEnvironment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("APPTAINER_CONTAINER", "SINGULARITY_CONTAINER"):
        monkeypatch.delenv(name, raising=False)
    wanted = replace(bundle, variables={**bundle.variables, "container": "/cvmfs/an image"})
    run = start(wanted, tmp_path / "job", "echo on")
    assert (run.returncode, run.stdout) == (20, "")
    assert "didn't start the job in the container /cvmfs/an image: choose nodes that have Apptainer" in run.stderr
    monkeypatch.setenv("SINGULARITY_CONTAINER", "/cvmfs/an image")
    assert start(wanted, tmp_path / "inside", "echo on").stdout == "on\n"


@pytest.mark.parametrize(("image", "submitter", "expected"), [("system", "", "system"), (None, "system", "system")])
def test_whose_packages_a_job_uses(
    image: str | None, submitter: str, expected: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that the image says, else those of the submitter."""
    (root / "setup.sh").write_text('export POCKET_ENGINE=$POCKET_ROOT; echo "$POCKET_ENVIRONMENT $POCKET_INSTALL"\n')
    monkeypatch.setenv("POCKET_ROOT", str(root))
    monkeypatch.setenv("POCKET_ENVIRONMENT", submitter)
    shared = job_environment("shared", tmp_path / "bundles", "zmumu")
    monkeypatch.delenv("POCKET_ENVIRONMENT")
    if image:
        monkeypatch.setenv("POCKET_ENVIRONMENT", image)
    assert start(shared, tmp_path / "job", "true").stdout == f"{expected} never\n"


def test_job_enters_its_bundle(bundle: JobEnvironment, tmp_path: Path) -> None:
    run = start(bundle, tmp_path / "a job", 'law run "a b"; echo $?; echo $POCKET_STORE; echo $PYTHONPATH')
    before = start(bundle, tmp_path / "before", "law run a --print-deps=2; echo $?")
    assert before.stdout.splitlines() == ["left out: law would start twice", "0"]
    scratch = tmp_path / "a job" / "bundle"
    assert run.stderr == ""
    assert run.stdout.splitlines() == [
        f"{scratch}/.venv {scratch}/checkout run a b",
        "7",
        str(tmp_path / "store"),
        f"{scratch}/checkout:{scratch}/outside",
    ]
    assert (scratch / "checkout" / "analysis" / "small" / "cuts.py").read_text() == (SMALL / "cuts.py").read_text()
    assert bundle.analysis == "./bundle/checkout/analysis/small"
    # packed, unpacked, and for the task
    assert bundle.disk > sum(path.stat().st_size for path in bundle.files.values()) + 1_000_000_000


def test_job_with_the_repository_of_an_analysis(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its engine is among the packages."""
    shutil.move(root / "analysis" / "small", root / "small")
    script = Path("tasks", "batch", "one_start.sh")
    (tmp_path / "site" / script.parent).mkdir(parents=True)
    shutil.move(root / script, tmp_path / "site" / script)
    shutil.rmtree(root / "tasks")
    monkeypatch.setenv("POCKET_ROOT", str(root))
    monkeypatch.setattr(environment, "site_packages", lambda: tmp_path / "site")
    monkeypatch.setattr(environment, "package_files", lambda: [script])
    monkeypatch.syspath_prepend(str(root))
    bundle = job_environment("bundle", tmp_path / "bundles", "small")
    assert bundle.analysis == "small"
    run = start(bundle, tmp_path / "a job", 'law run a --print-deps=2; echo "$POCKET_ENGINE"; ls "$POCKET_ROOT"')
    engine = next((tmp_path / "a job" / "bundle" / ".venv" / "lib").glob("python*/site-packages"))
    assert run.stdout.splitlines() == ["left out: law would start twice", str(engine), "law.cfg", "small", "store"]


def test_job_refuses_what_is_damaged(bundle: JobEnvironment, tmp_path: Path) -> None:
    packages = bundle.files["packages_archive"]
    packages.write_bytes(packages.read_bytes()[:-1])
    run = start(bundle, tmp_path / "job", "true")
    assert run.returncode == 20
    assert run.stderr == (
        "error: the bundle of packages that came with the job isn't the one that was sent: its checksum differs\n"
    )
    assert f"expected {bundle.variables['packages_sha256']}" in run.stdout
    assert not (tmp_path / "job" / "bundle").exists()
    packages.unlink()
    assert start(bundle, tmp_path / "without", "true").returncode == 20


def test_job_needs_the_same_python(bundle: JobEnvironment, tmp_path: Path) -> None:
    others = {"python": "/no/python", "python_version": "3.99", "python_suffix": ".cpython-399-sparc.so"}
    run = start(replace(bundle, variables={**bundle.variables, **others}), tmp_path / "job", "true")
    assert run.returncode == 20
    assert run.stderr.startswith("error: the bundle needs a Python 3.99 (.cpython-399-sparc.so) and ")
    assert "neither /no/python nor on PATH: choose a container or nodes" in run.stderr


def test_job_without_space(bundle: JobEnvironment, tmp_path: Path) -> None:
    # a file in the way stands in for a full disk
    (tmp_path / "bundles" / "bundle").write_text("")
    blocked = replace(bundle, files={**bundle.files, "blocking": tmp_path / "bundles" / "bundle"})
    run = start(blocked, tmp_path / "job", "true")
    assert run.returncode == 20
    assert re.search(r"error: the bundle can't be unpacked in .*/job/bundle of \S+, which has \S+ left", run.stderr)


def test_python_of_the_running_environment(bundle: JobEnvironment) -> None:
    assert bundle.variables["python"].startswith(sys.base_prefix)
    assert Path(bundle.variables["python"]).exists()
    with tarfile.open(bundle.files["packages_archive"]) as archive:
        (name,) = archive.getnames()
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    assert name == f".venv/lib/{version}/site-packages/law/cli/law"


def test_one_process_has_one_bundle(bundle: JobEnvironment, root: Path, tmp_path: Path) -> None:
    reference = str(root / "analysis" / "small")
    (root / "law.cfg").write_text("[changed]\n")
    assert job_environment("bundle", tmp_path / "bundles", reference).files == bundle.files
    environment._bundle.cache_clear()
    again = job_environment("bundle", tmp_path / "bundles", reference)
    assert again.files["packages_archive"] == bundle.files["packages_archive"]
    assert again.files["code_archive"] != bundle.files["code_archive"]


@pytest.mark.parametrize("script", ["bootstrap.sh", "bootstrap_bundle.sh"])
@pytest.mark.parametrize(
    ("set_up", "expected"),
    [("true", "/job/tmp"), ("export POCKET_SCRATCH=/disk", "/disk"), ("export POCKET_SCRATCH=", "")],
)
def test_outputs_are_filled_in_the_folder_of_the_job(script: str, set_up: str, expected: str) -> None:
    lines = (ROOT / "tasks" / "batch" / script).read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("export POCKET_SCRATCH="))
    command = ["bash", "-c", f'{set_up}; {line}; printf %s "$POCKET_SCRATCH"']
    environment = {"PATH": os.environ["PATH"], "LAW_JOB_TMP": "/job/tmp"}
    assert subprocess.run(command, env=environment, capture_output=True, text=True).stdout == expected
