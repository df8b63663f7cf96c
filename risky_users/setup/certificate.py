"""A certificate for the Worker, signed by itself: Entra takes its public half, the Worker gets key and certificate, no disk either.

https://learn.microsoft.com/entra/identity-platform/certificate-credentials: an RSA key of at least 2048 bits.
"""

import base64
from datetime import datetime, timedelta
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

BITS = 3072


class NewCertificate(NamedTuple):
    """`pem` is private key (PKCS#8) and certificate; `der` the certificate in base64, as Graph has it."""

    pem: str
    der: str
    begins: datetime
    ends: datetime


def new_certificate(name: str, begins: datetime, days: int) -> NewCertificate:
    """A key and its certificate, good from now on for so many days."""
    begins = begins.replace(microsecond=0)
    ends = begins + timedelta(days=days)
    private = generate_private_key(65537, BITS)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(private.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(begins).not_valid_after(ends)
    certificate = builder.sign(private, SHA256())
    key = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return NewCertificate(
        key + certificate.public_bytes(Encoding.PEM).decode(),
        base64.b64encode(certificate.public_bytes(Encoding.DER)).decode(),
        begins,
        ends,
    )
