"""The certificates of an application: `keyCredentials`, which are written as a whole.

https://learn.microsoft.com/graph/api/resources/keycredential. Entries are sent back as they were read, their `key` null; a new one has
its certificate, in base64 of DER.
"""

import base64
import binascii

from cryptography.x509 import load_der_x509_certificate

from simulator.entra.bodies import invalid, optional_text, text, time
from simulator.entra.call import Call
from simulator.entra.policies import check_certificate
from simulator.entra.registrations import Application, Certificate
from simulator.entra.service import Service
from simulator.entra.stamps import stamp
from simulator.messages import JSON, Refusal

_RESOURCE = "KeyCredential"


def replace_certificates(service: Service, call: Call, application: Application, entries: list[dict[str, JSON]]) -> None:
    """Let an application have these and no others; one that is there already must be as it was. Raises Refusal."""
    if len(entries) > service.behaviour.most_credentials:
        raise Refusal(400, "Request_BadRequest", "The number of key credentials exceeds the quota limit.")
    have = {each.key_id: each for each in application.certificates}
    wanted = []
    for entry in entries:
        held = have.get(str(entry.get("keyId")))
        wanted.append(_unchanged(held, entry) if held else new_certificate(service, call, application, entry))
    claim_credentials(service, call, application)
    application.certificates = wanted


def new_certificate(service: Service, call: Call, application: Application, entry: dict[str, JSON]) -> Certificate:
    """A certificate out of an entry that has one. Raises Refusal."""
    try:
        der = base64.b64decode(text(entry, "key", _RESOURCE), validate=True)
        parsed = load_der_x509_certificate(der)
    except (binascii.Error, ValueError):
        raise invalid("key", _RESOURCE) from None
    if entry.get("type") != "AsymmetricX509Cert" or entry.get("usage") != "Verify":
        raise invalid("type", _RESOURCE)
    earliest, latest = parsed.not_valid_before_utc.timestamp(), parsed.not_valid_after_utc.timestamp()
    begins, ends = time(entry, "startDateTime", _RESOURCE, earliest), time(entry, "endDateTime", _RESOURCE, latest)
    if ends > latest or ends <= begins:
        raise Refusal(400, "KeyCredentialsInvalidEndDate", "Key credential end date is invalid.")
    if begins < earliest:
        raise Refusal(400, "KeyCredentialsInvalidStartDate", "Key credential start date is invalid.")
    check_certificate(service, application, begins, ends)
    name, identifier = optional_text(entry, "displayName", _RESOURCE), optional_text(entry, "customKeyIdentifier", _RESOURCE)
    key_id = optional_text(entry, "keyId", _RESOURCE) or service.new_id()
    return Certificate(der, ends, key_id, name, begins, call.now, identifier)


def claim_credentials(service: Service, call: Call, application: Application) -> None:
    """Raises Refusal where the application's credentials were written a moment ago; else they are written now."""
    if call.now - application.credentials_written < service.behaviour.credential_pause:
        message = "Error due to concurrent requests being made to the tenant. Please wait briefly and retry."
        raise Refusal(service.behaviour.concurrency_error, "Directory_ConcurrencyViolation", message)
    application.credentials_written = call.now


def _unchanged(held: Certificate, entry: dict[str, JSON]) -> Certificate:
    """The certificate that an entry names; raises Refusal where the entry says anything else than it does."""
    key = entry.get("key")
    same = (
        (key is None or key == base64.b64encode(held.der).decode())
        and entry.get("displayName", held.name) == held.name
        and stamp(time(entry, "startDateTime", _RESOURCE, held.begins)) == stamp(held.begins)
        and stamp(time(entry, "endDateTime", _RESOURCE, held.expires)) == stamp(held.expires)
    )
    if not same:
        raise Refusal(400, "Request_BadRequest", f"Update to existing credential with KeyId '{held.key_id}' is not allowed.")
    return held
