"""Secrets of an application, and keys that it rolls by itself.

https://learn.microsoft.com/graph/api/application-addpassword, application-removepassword, application-addkey, application-removekey.
"""

import string

from simulator.entra import access
from simulator.entra.answers import Answer
from simulator.entra.assertions import BadAssertion, check_signature, check_times, parse
from simulator.entra.bodies import invalid, optional_text, text, time
from simulator.entra.call import Call
from simulator.entra.operations.key_credentials import claim_credentials, new_certificate
from simulator.entra.operations.lists import done, entity
from simulator.entra.policies import check_secret
from simulator.entra.registration_entities import key_entity, password_entity
from simulator.entra.registrations import Application, Secret
from simulator.entra.routes import route
from simulator.entra.service import Service
from simulator.messages import JSON, Refusal

TWO_YEARS = 730 * 86_400.0
PROOF_AUDIENCE = "00000002-0000-0000-c000-000000000000"
PROOF_SECONDS = 600.0
_RESOURCE = "PasswordCredential"
_LETTERS = string.ascii_letters + string.digits + "~._-"


def add_password(service: Service, call: Call) -> Answer:
    """A new secret, whose text is in this answer and nowhere else."""
    application = _writable(service, call)
    wanted = _object(call.body if isinstance(call.body, dict) else {}, "passwordCredential")
    begins = time(wanted, "startDateTime", _RESOURCE, call.now)
    ends = time(wanted, "endDateTime", _RESOURCE, begins + TWO_YEARS)
    name = optional_text(wanted, "displayName", _RESOURCE)
    if ends <= begins:
        raise invalid("endDateTime", _RESOURCE)
    check_secret(service, application, begins, ends)
    if len(application.secrets) >= service.behaviour.most_credentials:
        raise Refusal(400, "Request_BadRequest", "The number of password credentials exceeds the quota limit.")
    service.write(call)
    claim_credentials(service, call, application)
    secret = Secret(_new_text(service), ends, service.new_id(), name, begins, call.now)
    application.secrets.append(secret)
    return entity(call, "microsoft.graph.passwordCredential", password_entity(secret, once=True))


def remove_password(service: Service, call: Call) -> Answer:
    """Withdraw a secret."""
    application = _writable(service, call)
    key_id = text(call.object(), "keyId", _RESOURCE)
    if not any(secret.key_id == key_id for secret in application.secrets):
        raise Refusal(400, "Request_BadRequest", "No password credential found with keyId.")
    service.write(call)
    claim_credentials(service, call, application)
    application.secrets = [secret for secret in application.secrets if secret.key_id != key_id]
    return done()


def add_key(service: Service, call: Call) -> Answer:
    """A new certificate, added by the app itself, which proves that it has the key of an old one."""
    application = _proven(service, call)
    certificate = new_certificate(service, call, application, _object(call.object(), "keyCredential"))
    service.write(call)
    claim_credentials(service, call, application)
    application.certificates.append(certificate)
    return entity(call, "microsoft.graph.keyCredential", key_entity(certificate, service.behaviour.thumbprint_shown_as))


def remove_key(service: Service, call: Call) -> Answer:
    """Withdraw a certificate, with a proof."""
    application = _proven(service, call)
    key_id = text(call.object(), "keyId", "KeyCredential")
    if not any(each.key_id == key_id for each in application.certificates):
        raise Refusal(400, "Request_BadRequest", "No key credential found with keyId.")
    service.write(call)
    claim_credentials(service, call, application)
    application.certificates = [each for each in application.certificates if each.key_id != key_id]
    return done()


def _writable(service: Service, call: Call) -> Application:
    application = service.application(call.named["application"], call)
    service.admit(call, access.WRITE_CREDENTIALS, application.owners)
    return application


def _proven(service: Service, call: Call) -> Application:
    """The application; raises Refusal unless the body's proof is signed with one of its keys. That takes no permission."""
    application = service.application(call.named["application"], call)
    if application.client_id != call.caller.client_id:
        service.admit(call, access.WRITE_CREDENTIALS, application.owners)
    try:
        proof = parse(text(call.object(), "proof", "KeyCredential"))
        check_signature(proof, application.certificates, call.now)
        check_times(proof, call.now)
        begins, ends = proof.claims.get("nbf"), proof.claims.get("exp")
        short = isinstance(begins, (int, float)) and isinstance(ends, (int, float)) and ends - begins <= PROOF_SECONDS
        if proof.claims.get("aud") != PROOF_AUDIENCE or proof.claims.get("iss") != application.id or not short:
            raise BadAssertion(50013)
    except BadAssertion:
        raise Refusal(401, "Authentication_MissingOrMalformed", "Access Token missing or malformed.") from None
    return application


def _object(body: dict[str, JSON], name: str) -> dict[str, JSON]:
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid(name, _RESOURCE)
    return value


def _new_text(service: Service) -> str:
    """As real ones are: 40 characters, of which some have to be escaped in a form."""
    start, rest = ("".join(service.random.choice(_LETTERS) for _ in range(length)) for length in (3, 34))
    return f"{start}8Q~{rest}"


ROUTES = [
    route("POST", "/applications/{application}/addPassword", add_password),
    route("POST", "/applications/{application}/removePassword", remove_password),
    route("POST", "/applications/{application}/addKey", add_key),
    route("POST", "/applications/{application}/removeKey", remove_key),
]
