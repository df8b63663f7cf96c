"""Access identity providers (https://developers.cloudflare.com/api/resources/zero_trust/subresources/identity_providers/).

Documented: the operations and members, `seat_deprovision` only with `user_deprovision`, the SCIM secret returned once, in the answer
that turns `enabled` on. Observed: the client secret never comes back. Unsettled: what a PUT without it does.
"""

import re
from typing import cast

from simulator.cloudflare.envelope import Answer, Refused
from simulator.cloudflare.provisioned import IdentityProvider, UpdateBehaviour
from simulator.cloudflare.service import Call, Service, flag, invalid, member, text
from simulator.messages import JSON

MASK = "*" * 22
_UPDATES = ("automatic", "reauth", "no_action")
_TYPE = "azureAD"


def list_providers(service: Service, call: Call, _: "re.Match[str]") -> Answer:
    """All, or those with SCIM on or off."""
    wanted = call.one("scim_enabled")
    chosen = [each for each in service.state.providers.values() if wanted is None or (wanted == "true") == each.scim_enabled]
    return service.page(call, [provider_entity(service, each) for each in chosen], 200, 1000)


def get_provider(service: Service, _: Call, match: "re.Match[str]") -> Answer:
    """By id."""
    return Answer(provider_entity(service, found(service, match["provider"])))


def put_provider(service: Service, call: Call, match: "re.Match[str]") -> Answer:
    """The whole provider anew, its client secret with it."""
    provider, body = found(service, match["provider"]), call.object()
    if provider.read_only:
        raise Refused(403, None, "the identity provider is read only")
    name, kind, scim = text(body, "name"), text(body, "type"), member(body, "scim_config")
    config = body.get("config")
    if kind != _TYPE or not isinstance(config, dict):
        raise invalid("an identity provider keeps its type and needs a config")
    users, seats = flag(scim, "user_deprovision"), flag(scim, "seat_deprovision")
    updates = text(scim, "identity_update_behavior", "no_action")
    if updates not in _UPDATES or (seats and not users):
        raise invalid("seat_deprovision needs user_deprovision" if seats and not users else "identity_update_behavior is not known")
    turned_on = flag(scim, "enabled") and not provider.scim_enabled
    secret = config.get("client_secret")
    if not isinstance(secret, str) or secret in ("", MASK):
        service.violate("PUT of an identity provider without its client secret: nobody may be able to log in afterwards")
        if service.behaviour.put_without_secret == "lost":
            provider.client_secret = None
    else:
        provider.client_secret = secret
    provider.name, provider.config = name, {key: value for key, value in config.items() if key != "client_secret"}
    provider.scim_enabled, provider.user_deprovision, provider.seat_deprovision = flag(scim, "enabled"), users, seats
    provider.identity_update_behavior = cast(UpdateBehaviour, updates)
    if turned_on:
        provider.scim_secret = service.new_tag()
    return Answer(provider_entity(service, provider, provider.scim_secret if turned_on else None))


def found(service: Service, provider_id: str) -> IdentityProvider:
    """The provider; raises Refused."""
    provider = service.state.providers.get(provider_id.lower())
    if not provider:
        raise Refused(404, 12135, "access.api.error.not_found")
    return provider


def provider_entity(service: Service, provider: IdentityProvider, scim_secret: str | None = None) -> dict[str, JSON]:
    """A provider as it is read; with the SCIM secret where it is shown, once."""
    hidden = MASK if service.behaviour.secret_shown_as == "masked" else None
    return {
        "id": provider.id,
        "name": provider.name,
        "type": _TYPE,
        "read_only": provider.read_only,
        "config": {**provider.config, "client_secret": hidden},
        "scim_config": {
            "enabled": provider.scim_enabled,
            "identity_update_behavior": provider.identity_update_behavior,
            "user_deprovision": provider.user_deprovision,
            "seat_deprovision": provider.seat_deprovision,
            "scim_base_url": provider.scim_base_url,
            "secret": scim_secret,
        },
    }
