"""Fingerprints: hashes of configurations and of the code they name, equal in every process.

They decide where an output lies in the store, so they change with whatever changes the output and with nothing else.
"""

from __future__ import annotations

from pocket.base.fingerprint.graph import digest_of
from pocket.base.fingerprint.imports import Closure, code_closure
from pocket.base.fingerprint.specification import Difference, Specification, differences, specification
from pocket.base.fingerprint.values import describe

__all__ = [
    "Closure",
    "Difference",
    "Specification",
    "code_closure",
    "differences",
    "digest",
    "fingerprint",
    "specification",
]

#: Characters of a digest in a path: 48 bits are enough for some million outputs of one task.
PATH_LENGTH = 12


def digest(obj: object) -> str:
    """Return the SHA-256 of an object's content, as 64 hexadecimal digits.

    The object may consist of plain values, containers, dataclasses, numpy arrays, OmegaConf containers, and code:
    functions, classes, methods, partials and modules. A dataclass field with ``metadata={"fingerprint": False}`` is
    left out, one with ``"given"`` if it has its default value. Other objects of libraries count by what :mod:`pickle`
    would store of them. Any class may define ``__fingerprint__()``, whose result is hashed instead of the object.

    Functions and classes count by the normalised syntax tree of their source, their default values and closures,
    and by everything they refer to; those of installed distributions count by name and version only, those of the
    standard library by name. A path of this machine counts relative to the checkout, the analysis, the store or the
    home directory that it lies in, and by the content of the file that it names there. Globals count with their current
    value, so they should be constants. The order of a dict counts, that of a set doesn't.
    """
    return digest_of(obj, describe)


def fingerprint(obj: object) -> str:
    """Return the first digits of :func:`digest`, short enough for a path."""
    return digest(obj)[:PATH_LENGTH]
