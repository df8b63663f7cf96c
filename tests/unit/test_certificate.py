"""A certificate and its key out of PEM, and the assertion that is signed with them: what Microsoft's and others' libraries make of it."""

import asyncio
import base64
import contextlib
import json
from datetime import UTC, datetime, timedelta
from hashlib import sha1, sha256

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from msal.oauth2cli.assertion import JwtAssertionCreator

from access_token import ALGORITHMS
from certificate import LIFETIME_SECONDS, SKEW_SECONDS, read_certificate, signed_assertion, unsigned_assertion
from risky_users.setup.certificate import new_certificate
from risky_users.signing import sign
from tests.certificates import certificate_pem, key_pem, pem
from tests.simulator.administrators import certificate, private_key
from tests.simulator.client import Clock

NOW = 1_790_000_000.0
AUDIENCE = "https://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/v2.0/token"
CLIENT = "11111111-2222-4333-8444-555555555555"


def assertion(algorithm: str, text: str | None = None, now: float = NOW, nonce: str = "once") -> str:
    read = read_certificate(text or pem())
    unsigned = unsigned_assertion(read, algorithm, CLIENT, AUDIENCE, now, nonce)
    return signed_assertion(unsigned, asyncio.run(sign(algorithm, read.private_key, unsigned.encode())))


# --- PEM ---


def test_key_and_certificate_are_read_with_the_time_at_which_the_certificate_ends() -> None:
    read = read_certificate(pem())
    assert read.der == certificate(Clock()).public_bytes(Encoding.DER)
    assert read.private_key == private_key(0).private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    assert read.ends == certificate(Clock()).not_valid_after_utc.timestamp()


@pytest.mark.parametrize(
    "form",
    [
        lambda: certificate_pem() + key_pem(),
        lambda: pem().replace("\n", "\\n"),
        lambda: pem().replace("\n", "\r\n"),
        lambda: pem().replace("\n", "\\r\\n"),
        lambda: pem().replace("\n", " "),
        lambda: pem().replace("\n", ""),
        lambda: f"Bag Attributes\n  friendlyName: worker\n{key_pem()}subject=CN=worker\n{certificate_pem()}",
        lambda: key_pem() + certificate_pem() + certificate_pem(1),
    ],
    ids=["certificate first", "\\n", "CRLF", "\\r\\n", "blanks", "one line", "bag attributes", "a chain"],
)
def test_pem_is_read_in_whatever_form_it_was_handed_on(form: object) -> None:
    assert callable(form)
    assert read_certificate(form()) == read_certificate(pem())


@pytest.mark.parametrize("days", [1.0, 365.0 * 20, 365.0 * 60])
def test_the_end_is_read_before_and_after_2050_when_it_is_written_otherwise(days: float) -> None:
    made = certificate(Clock(), days=days)
    text = key_pem() + made.public_bytes(Encoding.PEM).decode()
    assert read_certificate(text).ends == made.not_valid_after_utc.timestamp()


def test_a_certificate_that_a_company_signed_is_read_like_one_signed_by_itself() -> None:
    now = datetime.fromtimestamp(NOW, UTC)
    name, issuer = (x509.Name.from_rfc4514_string(text) for text in ("CN=worker,O=Contoso", "CN=Contoso CA"))
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(issuer).public_key(private_key(0).public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now).not_valid_after(now + timedelta(days=90))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("worker.contoso.example")]), critical=False)
    made = builder.sign(private_key(1), SHA256())
    assert read_certificate(key_pem() + made.public_bytes(Encoding.PEM).decode()).ends == NOW + 90 * 86400


def test_a_certificate_that_setup_makes_is_read() -> None:
    made = new_certificate("risky-users", datetime.fromtimestamp(NOW, UTC), 90)
    assert read_certificate(made.pem).ends == NOW + 90 * 86400


def ec_key() -> str:
    return generate_ec_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def private_pem(how: PrivateFormat, passphrase: bytes = b"") -> str:
    protection = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return private_key(0).private_bytes(Encoding.PEM, how, protection).decode()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (lambda: certificate_pem(), "holds no -----BEGIN PRIVATE KEY-----"),
        (lambda: key_pem(), "holds no -----BEGIN CERTIFICATE-----"),
        (lambda: "a certificate", "holds no -----BEGIN PRIVATE KEY-----"),
        (lambda: key_pem().replace("MII", "M!I") + certificate_pem(), "holds no -----BEGIN PRIVATE KEY-----"),
        (lambda: key_pem() + certificate_pem()[:-200], "holds no -----BEGIN CERTIFICATE-----"),
        (lambda: key_pem(1) + certificate_pem(0), "do not belong together"),
        (lambda: private_pem(PrivateFormat.TraditionalOpenSSL) + certificate_pem(), "in the older form PKCS#1"),
        (lambda: private_pem(PrivateFormat.PKCS8, b"word") + certificate_pem(), "that a passphrase protects"),
        (lambda: ec_key() + certificate_pem(), "not RSA"),
        (lambda: "-----BEGIN EC PRIVATE KEY-----\nMA==\n-----END EC PRIVATE KEY-----\n" + certificate_pem(), "not RSA"),
    ],
    ids=["no key", "no certificate", "neither", "bad base64", "cut off", "two pairs", "PKCS#1", "passphrase", "EC", "SEC1"],
)
def test_what_is_wrong_with_the_pem_is_told_without_showing_any_of_it(text: object, told: str) -> None:
    assert callable(text)
    with pytest.raises(ValueError, match="holds") as wrong:
        read_certificate(text())
    assert told in str(wrong.value)
    assert "MII" not in str(wrong.value)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_whatever_befalls_the_bytes_they_are_read_or_refused(data: st.DataObject) -> None:
    def armoured(name: str, der: bytes) -> str:
        return f"-----BEGIN {name}-----\n{base64.b64encode(der).decode()}\n-----END {name}-----\n"

    whole = {
        "PRIVATE KEY": private_key(0).private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
        "CERTIFICATE": certificate(Clock()).public_bytes(Encoding.DER),
    }
    name = data.draw(st.sampled_from([*whole]))
    der = bytearray(whole[name])
    for _ in range(data.draw(st.integers(1, 4))):
        der[data.draw(st.integers(0, min(300, len(der) - 1)))] = data.draw(st.integers(0, 255))
    whole[name] = bytes(der[: data.draw(st.sampled_from([len(der), len(der) // 2, 3]))])
    with contextlib.suppress(ValueError):
        read_certificate("".join(armoured(*each) for each in whole.items()))


# --- the assertion ---


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_jwt_library_takes_our_assertion_for_what_it_says(algorithm: str) -> None:
    token = assertion(algorithm)
    claims = jwt.decode(
        token,
        private_key(0).public_key(),
        [algorithm],
        {"verify_exp": False, "verify_iat": False, "verify_nbf": False, "require": ["aud", "iss", "sub", "jti", "nbf", "iat", "exp"]},
        audience=AUDIENCE,
        issuer=CLIENT,
        subject=CLIENT,
    )
    times = {"nbf": NOW - SKEW_SECONDS, "iat": NOW - SKEW_SECONDS, "exp": NOW + LIFETIME_SECONDS}
    assert claims == {"aud": AUDIENCE, "iss": CLIENT, "sub": CLIENT, "jti": "once", **times}


def test_the_times_of_an_assertion_are_valid_where_clocks_agree_and_where_they_differ_by_a_minute() -> None:
    now = datetime.now(UTC).timestamp()
    for skew in (0, -59, 59):
        jwt.decode(assertion("PS256", now=now + skew), private_key(0).public_key(), ["PS256"], audience=AUDIENCE, leeway=1)
    with pytest.raises(jwt.ExpiredSignatureError):
        jwt.decode(assertion("PS256", now=now - 700), private_key(0).public_key(), ["PS256"], audience=AUDIENCE)


@pytest.mark.parametrize(
    ("algorithm", "name", "digest"),
    [("PS256", "x5t#S256", sha256), ("RS256", "x5t", lambda der: sha1(der, usedforsecurity=False))],
)
def test_the_header_and_the_claims_are_those_that_msal_sends(algorithm: str, name: str, digest: object) -> None:
    assert callable(digest)
    thumbprint = digest(certificate(Clock()).public_bytes(Encoding.DER))
    named = {"sha256_thumbprint": thumbprint.hexdigest()} if algorithm == "PS256" else {"sha1_thumbprint": thumbprint.hexdigest()}
    creator = JwtAssertionCreator(private_key(0), algorithm, **named)
    theirs = creator.create_normal_assertion(AUDIENCE, CLIENT, CLIENT).decode()
    ours = assertion(algorithm)
    header, their_header = jwt.get_unverified_header(ours), jwt.get_unverified_header(theirs)
    assert header == {**their_header, name: their_header[name].rstrip("=")}
    our_claims, their_claims = (set(json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))) for token in (ours, theirs))
    assert our_claims - their_claims <= {"nbf"}
    assert their_claims <= our_claims


def test_a_key_that_cannot_sign_is_a_value_error() -> None:
    elliptic = generate_ec_key(SECP256R1()).private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    for key in (b"not a key", elliptic):
        with pytest.raises(ValueError, match=r"^no "):
            asyncio.run(sign("PS256", key, b"data"))


def test_the_key_does_not_show_where_settings_are_shown() -> None:
    read = read_certificate(pem())
    assert "private_key" not in repr(read)
    assert len(repr(read)) < 80
