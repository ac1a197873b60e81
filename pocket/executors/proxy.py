"""The user's X509 proxy."""

from __future__ import annotations

import os
from pathlib import Path

from pocket.errors import ConfigError


def read_proxy(place: str) -> bytes:
    """Return the content of a proxy.

    Args:
        place: path of the file, or ``auto`` for where ``voms-proxy-init`` writes it: ``$X509_USER_PROXY``, else
            ``/tmp/x509up_u<uid>``.

    Raises:
        ConfigError: if there is none, or others than its owner have any right to it.
    """
    path = default_proxy() if place == "auto" else Path(place).expanduser()
    try:
        mode, content = path.stat().st_mode, path.read_bytes()
    except OSError as error:
        raise ConfigError(f"X509 proxy {path}: {error.strerror}; make one with voms-proxy-init") from None
    if mode & 0o077:
        raise ConfigError(f"X509 proxy {path} can be used by others than its owner: chmod 400 {path}")
    if b"-----BEGIN CERTIFICATE-----" not in content or b"PRIVATE KEY-----" not in content:
        raise ConfigError(f"{path} is no X509 proxy: it holds no certificate with its key")
    return content


def default_proxy() -> Path:
    """Return where ``voms-proxy-init`` writes the proxy."""
    return Path(os.environ.get("X509_USER_PROXY") or f"/tmp/x509up_u{os.getuid()}")
