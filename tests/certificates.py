"""Certificates with their keys in PEM, as AZURE_AD_CLIENT_CERTIFICATE holds them; the same for the same number."""

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from simulator import Tenant
from tests.simulator.administrators import certificate, private_key
from tests.simulator.client import Clock

VARIABLE = "AZURE_AD_CLIENT_CERTIFICATE"


def key_pem(number: int = 0) -> str:
    """The private key, PKCS#8."""
    return private_key(number).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def certificate_pem(number: int = 0, days: float = 365.0, begins: float | None = None) -> str:
    """The certificate, valid from `begins` (epoch seconds) on, or from when tests begin."""
    clock = Clock() if begins is None else Clock(begins)
    return certificate(clock, number, days).public_bytes(Encoding.PEM).decode()


def pem(number: int = 0, days: float = 365.0, begins: float | None = None) -> str:
    """Both."""
    return key_pem(number) + certificate_pem(number, days, begins)


def register(tenant: Tenant, number: int = 0, days: float = 365.0, begins: float | None = None) -> str:
    """Put the certificate on the app registration; both in PEM, for the Worker."""
    tenant.add_certificate(certificate_pem(number, days, begins))
    return pem(number, days, begins)
