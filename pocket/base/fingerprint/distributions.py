"""Names and versions of distributions, as far as they count in fingerprints."""

from __future__ import annotations

import functools
import sys
from importlib import metadata

from pocket.base.fingerprint.graph import hash_of
from pocket.base.fingerprint.modules import top_level

#: Libraries whose version changes no number: formats, remote files, plots, parameters, workflows, terminal.
_NO_NUMBERS = frozenset({
    "XRootD", "aiohttp", "cloudpickle", "cramjam", "dask", "distributed", "fsspec", "fsspec_xrootd", "h5py", "htcondor",
    "htcondor2", "jinja2", "jsonschema", "law", "luigi", "lz4", "matplotlib", "mplhep", "omegaconf", "packaging",
    "psutil", "pyarrow", "pydantic", "pytest", "rich", "rucio", "setuptools", "tqdm", "typing_extensions", "uhi",
    "xrootd", "yaml", "zstandard",
})  # fmt: skip


@functools.cache
def version(module: str) -> str:
    """Return the distribution and the significant version of a library's module, e.g. ``"awkward 2"``.

    Releases with the same first number promise the same results; manifests have the full version. A distribution that
    was installed from a folder, a repository or a file may be no release, so that its files count, too. For a library
    that affects no numbers, and for the standard library, only the name counts: the same code has the same meaning in
    another version of Python, for which other releases of NumPy may be installed.
    """
    top = top_level(module)
    if top in sys.stdlib_module_names:
        return "python"
    if top in _NO_NUMBERS:
        return top
    try:
        return _described(top)
    except metadata.PackageNotFoundError:
        return ", ".join(_described(name) for name in sorted(set(metadata.packages_distributions().get(top, ()))))


def _described(name: str) -> str:
    """Return the name of a distribution with the part of its version that counts, and a digest of files that count."""
    distribution = metadata.distribution(name)
    # Releases may change results if the first number is another one, or the second one if that is 0.
    first, second, *_ = f"{distribution.version}.".split(".")
    words = [name, f"0.{second}" if first == "0" else first]
    # Installers write this file for all that they don't take from an index; packages of conda have that of their build.
    if distribution.read_text("direct_url.json") and (distribution.read_text("INSTALLER") or "").strip() != "conda":
        # Its own metadata and scripts have paths of the machine, and compiled files have no hash.
        files = sorted(
            f"{file} {file.hash.value}"
            for file in distribution.files or ()
            if file.hash and not file.parts[0].endswith((".dist-info", ".."))
        )
        words.append(hash_of("files", files)[:12])
    return " ".join(words)


def number_library(module: str) -> str:
    """Return the distribution and version of a library's module if it affects numbers, else an empty string."""
    top = top_level(module)
    return "" if top in sys.stdlib_module_names or top in _NO_NUMBERS else version(module)
