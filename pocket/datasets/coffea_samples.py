"""Small real CMS files from coffea's source distribution (BSD 3-Clause), for demonstrations and tests."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from pocket.errors import DatasetError, UnknownNameError

VERSION = "2026.9.0"

# Name of a file → its name in tests/samples of the source distribution, and its SHA-256.
SAMPLES = {
    "nano_dy.root": ("nano_dy.root", "159b17b34b4d13ea4960d36fb9b01f2a505cc1a5a8de0fb3cfa185154543c81c"),
    "nano_dimuon.root": ("nano_dimuon.root", "eac7c0a973e054e890766ec4c61ca784d3d49e4f82ec0c8b9dfbe55c233297a9"),
    "pfnano.root": ("pfnano.root", "504f10f40146005184a1365dcf8b6c8235983597567fab04d1b4b6cc25603939"),
    "nano_tt_v12.root": ("nano_tt_v12.root", "bc9afdac1e5e1bf820f79e4f8d4942c893ed2accfcb2e49bb63b69727b59af3b"),
    "nano_tt_v15.root": ("nano_tt_v15.root", "0ee769872082459bf2ccbef08b916c26b3070b64969812aea4d75a0cfa006256"),
    "golden_2017.json": (
        "Cert_294927-306462_13TeV_EOY2017ReReco_Collisions17_JSON.txt",
        "954c3193590e92a92db51ba85bbcec934d035929943935e8f925cb57252fecb3",
    ),
    "jet_jerc_Summer22_V3.json.gz": (
        "jet_jerc_Summer22_V3.json.gz",
        "ff46f36bf7e41584419afcb02361eaac323643a6d7c5367c51e4eaccae3987e2",
    ),
}

_BESIDE_CHECKOUT = Path(__file__).absolute().parents[3] / "shared" / "data"


def sample_path(name: str, *, cache: Path) -> Path:
    """Return the path of one of the files of :data:`SAMPLES`, downloaded at most once.

    The folders ``$POCKET_SAMPLES``, ``../shared/data`` beside the checkout, and ``cache`` are searched; if none has it,
    all files are extracted from the source distribution into ``cache``.

    Args:
        name: name of the file.
        cache: folder that keeps downloaded files.

    Raises:
        UnknownNameError: if there is no such file.
        DatasetError: if the file can't be downloaded, or has another checksum.
    """
    if name not in SAMPLES:
        raise UnknownNameError("sample file of coffea", name, SAMPLES)
    given = os.environ.get("POCKET_SAMPLES")
    folders = [*([Path(given)] if given else []), _BESIDE_CHECKOUT, cache]
    for folder in folders:
        path = (folder / name).absolute()
        if path.is_file():
            _check(name, path)
            return path
    _download(cache)
    return (cache / name).absolute()


def _check(name: str, path: Path) -> None:
    if hashlib.sha256(path.read_bytes()).hexdigest() != SAMPLES[name][1]:
        raise DatasetError(f"{path} is not the {name} of coffea {VERSION} (its SHA-256 differs); remove it")


def _download(cache: Path) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    # The folder is inside the cache, so that moving a file out of it is atomic.
    with tempfile.TemporaryDirectory(dir=cache, prefix=".download-") as folder:
        archive = _source_distribution(Path(folder))
        with tarfile.open(archive) as tar:
            for name, (member, _) in SAMPLES.items():
                path = Path(folder) / name
                source = tar.extractfile(f"coffea-{VERSION}/tests/samples/{member}")
                assert source is not None
                with source, path.open("wb") as target:
                    shutil.copyfileobj(source, target)
                _check(name, path)
                path.replace(cache / name)


def _source_distribution(folder: Path) -> Path:
    """Download coffea's source distribution to ``folder`` with pip, or through uv in an environment without pip."""
    if importlib.util.find_spec("pip"):
        pip = [sys.executable, "-m", "pip"]
    elif uv := shutil.which("uv"):
        pip = [uv, "tool", "run", "--python", sys.executable, "pip"]
    else:
        raise DatasetError(f"the samples of coffea {VERSION} can't be downloaded: neither pip nor uv is installed")
    command = [*pip, "download", "--quiet", "--no-deps", "--no-binary", "coffea", "--dest", str(folder)]
    result = subprocess.run([*command, f"coffea=={VERSION}"], capture_output=True, text=True, check=False)
    if result.returncode:
        reason = (result.stderr.strip() or "no message").splitlines()[-1]
        raise DatasetError(f"the samples of coffea {VERSION} can't be downloaded ({reason}); set POCKET_SAMPLES")
    return folder / f"coffea-{VERSION}.tar.gz"
