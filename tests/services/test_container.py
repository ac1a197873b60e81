"""The image of the Containerfile, in which an ordinary user whom it doesn't know runs a chain.

It is built on a root file system of Debian, since no registry is needed then.
"""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import resource
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.law_runner import ROOT
from tests.services.checkout import Checkout, make_folder

pytestmark = [pytest.mark.container, pytest.mark.slow]

CERTIFICATES = "/etc/ssl/certs"
#: of Debian, and certificates of this machine for what is downloaded
BASE = f"FROM scratch\nADD base.tar /\nENV SSL_CERT_FILE={CERTIFICATES}/ca-certificates.crt\n"
#: a named part of the default analysis, with few events
MERGE = "law run MergeOutputs --version v1 --config nominal --params toys.scale=0.02 --chunk-size 10000 --cores 1"


@dataclass(frozen=True)
class Image:
    """An image, and a container of it.

    Args:
        folder: where buildah keeps both.
        files: the root file system.
    """

    folder: Path
    files: Path

    def buildah(self, *arguments: str, timeout: float = 900) -> subprocess.CompletedProcess[str]:
        """Run buildah, which neither sees nor changes what else it has on this machine."""
        command = ["buildah", "--root", f"{self.folder}/storage", "--runroot", f"{self.folder}/run", *arguments]
        # where it keeps what several builds download
        environment = {**os.environ, "TMPDIR": str(self.folder)}
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=timeout)

    def succeed(self, *arguments: str) -> str:
        """Run buildah, and return what it prints."""
        result = self.buildah(*arguments)
        assert result.returncode == 0, f"{arguments}: {result.stdout[-2000:]}{result.stderr[-2000:]}"
        return result.stdout.strip()

    def run(self, checkout: Checkout, script: str) -> str:
        """Run a line of bash as a user in a checkout, with nothing else of this machine than that and the store."""
        volumes = [f"--volume={folder}:{folder}" for folder in (checkout.folder, checkout.store)]
        user = f"--user={checkout.user.uid}:{checkout.user.gid}"
        store = f"--env=POCKET_STORE={checkout.store}"
        where = f"--workingdir={checkout.folder}"
        entry = json.loads(self.succeed("inspect", "--type", "image", "pocketlaw"))["OCIv1"]["config"]["Entrypoint"]
        line = ["container", "--", *entry, "bash", "-c", script]
        return self.succeed("run", "--isolation", "chroot", user, store, where, *volumes, *line)


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    """The image."""
    limits = {name: resource.getrlimit(getattr(resource, f"RLIMIT_{name.upper()}"))[1] for name in ("nofile", "nproc")}
    chroot = ["--isolation", "chroot", *(f"--ulimit={name}={limit}:{limit}" for name, limit in limits.items())]
    volumes = [f"--volume={CERTIFICATES}:{CERTIFICATES}:ro"]
    if uv := shutil.which("uv"):
        # what setup.sh has downloaded isn't downloaded again
        cache = subprocess.run([uv, "cache", "dir"], capture_output=True, text=True, check=True).stdout.strip()
        volumes += [f"--volume={Path(uv).resolve()}:/usr/local/bin/uv:ro", f"--volume={cache}:/root/.cache/uv"]
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="pocketlaw-image-") as name:
        folder = Path(name)
        context = folder / "base"
        context.mkdir()
        (context / "Containerfile").write_text(BASE)
        suite = platform.freedesktop_os_release()["VERSION_CODENAME"]
        packages = "--include=python3-venv,ca-certificates"
        subprocess.run(["mmdebstrap", "--quiet", "--variant=apt", packages, suite, context / "base.tar"], check=True)
        made = Image(folder, Path())
        try:
            made.succeed("build", *chroot, "--tag=base", str(context))
            made.succeed("build", *chroot, *volumes, "--build-arg=BASE=localhost/base", "--tag=pocketlaw", str(ROOT))
            made.succeed("from", *chroot, "--name=container", "localhost/pocketlaw")
            yield dataclasses.replace(made, files=Path(made.succeed("mount", "container")))
        finally:
            made.buildah("rm", "--all")


def templates(store: Path) -> bytes:
    """Return the file of the merged templates."""
    (path,) = store.glob("zmumu/MergeOutputs/nominal/v1/*/histograms.h5")
    return path.read_bytes()


def test_same_templates_as_outside(image: Image, checkout: Checkout) -> None:
    folder = make_folder(checkout.user, checkout.user.folder / "container")
    here = dataclasses.replace(checkout, store=folder / "store")
    outside = here.run(MERGE)
    assert outside.code == 0, outside.text
    expected = templates(here.store)
    # another store in the same place, since datasets have the paths of files
    here.store.rename(folder / "outside")
    make_folder(checkout.user, here.store)
    image.run(here, MERGE)
    assert templates(here.store) == expected


def test_nothing_is_installed(image: Image, checkout: Checkout) -> None:
    where = "type -P law; type -P python3; id --user; echo $HOME"
    text = image.run(checkout, f"law run Doctor --test-job False || true; {where}")
    assert "ok       packages     those of requirements.lock, in /opt/pocketlaw" in text
    # The command of the checkout starts law with the Python of the image.
    found = f"{checkout.folder}/tasks/command/bin/law", "/opt/pocketlaw/bin/python3"
    assert text.splitlines()[-4:] == [*found, str(checkout.user.uid), "/tmp"]


def test_everybody_may_read_it_and_nothing_else_is_in_it(image: Image) -> None:
    for folder, folders, files in os.walk(image.files / "opt"):
        for path in (Path(folder, name) for name in (*folders, *files)):
            mode = path.lstat().st_mode
            needed = stat.S_IROTH | (stat.S_IXOTH if stat.S_ISDIR(mode) else 0)
            assert stat.S_ISLNK(mode) or mode & needed == needed, path
    left = [
        path for folder in ("root/.cache", "var/lib/apt/lists", "tmp") for path in image.files.glob(f"{folder}/**/*")
    ]
    assert [path for path in left if path.is_file()] == []
    assert (image.files / "opt/pocketlaw/requirements.lock").read_bytes() == (ROOT / "requirements.lock").read_bytes()
    labels = json.loads(image.succeed("inspect", "--type", "image", "pocketlaw"))["OCIv1"]["config"]["Labels"]
    assert labels["org.opencontainers.image.title"] == "Pocketlaw"
    assert labels["org.opencontainers.image.base.name"] == "localhost/base"
