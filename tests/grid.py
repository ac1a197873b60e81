"""Proxies and their authority, made as voms-proxy-init does."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

# ProxyCertInfo of RFC 3820 with the policy "inherit all"
_PROXY_INFO = x509.UnrecognizedExtension(
    x509.ObjectIdentifier("1.3.6.1.5.5.7.1.14"), bytes.fromhex("300c300a06082b06010505071501")
)


def write_proxy(path: Path, seconds: float, user: float = 86400) -> Path:
    """Write a proxy of a user, which is readable by its owner only, in the place of one that may be there.

    Args:
        path: the file.
        seconds: how long it lives from now; negative if it has expired.
        user: how long the user's certificate lives.
    """
    authority, users, own = (generate_private_key(65537, 2048) for _ in range(3))
    certificate = _certificate(["someone"], ["authority"], users.public_key(), authority, user)
    proxy = _certificate(["someone", "1234"], ["someone"], own.public_key(), users, seconds, _PROXY_INFO)
    key = own.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(proxy.public_bytes(Encoding.PEM) + key + certificate.public_bytes(Encoding.PEM))
    return path


def _certificate(
    subject: list[str],
    issuer: list[str],
    public: RSAPublicKey,
    signer: RSAPrivateKey,
    seconds: float,
    *extensions: x509.ExtensionType,
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(seconds=seconds))
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=True)
    return builder.sign(signer, hashes.SHA256())


def _name(common: list[str]) -> x509.Name:
    organization = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Pocketlaw tests")
    return x509.Name([organization, *(x509.NameAttribute(NameOID.COMMON_NAME, name) for name in common)])
