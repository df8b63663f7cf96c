"""Cloudflare's side of provisioning: the identity provider that Entra provisions through, its endpoint, and its secret.

https://developers.cloudflare.com/cloudflare-one/integrations/identity-providers/entra-id/. A PUT replaces the whole provider, and
its client secret cannot be read back: sent without, nobody may be able to log in any more. So it is sent for whoever asks for
that and has the client secret, and for nobody else.
"""

from dataclasses import dataclass, field

from risky_users.admin.cloudflare import Cloudflare, Entity
from risky_users.admin.errors import AdminError, Answer, Uncertain
from text import JSON

_KIND = "azureAD"
_BY_HAND = (
    "by hand: Cloudflare One > Integrations > Identity providers > {name} > Edit, switch Enable SCIM on, choose Automatic identity "
    "updates, Regenerate secret, copy endpoint and secret, Save"
)


@dataclass(frozen=True, slots=True)
class Provider:
    """An identity provider of type Microsoft Entra. `endpoint` is where Entra provisions to, empty where Cloudflare does not tell."""

    id: str
    name: str
    endpoint: str
    scim: bool
    updates: str
    """What a change of groups does: automatic (at once), reauth (after the next login) or no_action."""
    user_deprovision: bool
    seat_deprovision: bool
    read_only: bool
    config: Entity = field(repr=False)

    @property
    def by_hand(self) -> str:
        """How SCIM is switched on in the dashboard, which also gives a new secret."""
        return _BY_HAND.format(name=self.name)

    def shortcomings(self, *, base_group: bool) -> list[str]:
        """What keeps changes of groups from acting as they should; `base_group`: whether all users are assigned besides the risky."""
        found = []
        if not self.scim:
            found.append("SCIM is off, so that nothing that Entra provisions arrives")
        elif self.updates != "automatic":
            found.append(
                f"SCIM identity update behavior is {self.updates or 'unknown'}, so that isolation waits for the next login or never comes"
            )
        if self.user_deprovision and not base_group:
            found.append(
                "user deprovisioning is on, so that whoever is no longer at risk may be logged out, unless a base group is assigned too"
            )
        return found


@dataclass(frozen=True, slots=True)
class ScimAccess:
    """What Entra's provisioning needs: an address, and a secret that is shown once."""

    endpoint: str
    secret: str = field(repr=False)


def entra_providers(cloudflare: Cloudflare) -> list[Provider]:
    """The account's identity providers of type Microsoft Entra. Raises ServiceRefused."""
    found = cloudflare.all("/access/identity_providers?per_page=100", "read the identity providers")
    return [_provider(each) for each in found if each.get("type") == _KIND]


def the_provider(cloudflare: Cloudflare, name: str = "") -> Provider:
    """The one of this name or id, or the only one. Raises AdminError where that is none or not clear."""
    providers = entra_providers(cloudflare)
    chosen = [each for each in providers if name in (each.id, each.name)] if name else providers
    if len(chosen) == 1:
        return chosen[0]
    known = ", ".join(f"{each.name} ({each.id})" for each in providers) or "none"
    raise AdminError(
        f"Which identity provider? Of type Microsoft Entra there are: {known}. {'Name one by its id.' if providers else _MAKE_ONE}"
    )


_MAKE_ONE = "Add one first: https://developers.cloudflare.com/cloudflare-one/integrations/identity-providers/entra-id/"


def switch_scim_on(cloudflare: Cloudflare, provider: Provider, client_secret: str) -> ScimAccess:
    """Switch SCIM on, with automatic updates; everything else goes back as it was read, with the client secret of the app that logs
    people in. Raises AdminError.
    """
    if provider.read_only:
        raise AdminError(f"The identity provider {provider.name} cannot be changed by the API: {provider.by_hand}.")
    if provider.scim:
        raise AdminError(f"SCIM is on for {provider.name} already, and its secret is not shown again: {provider.by_hand}.")
    if not client_secret.strip():
        raise AdminError(
            f"Without the client secret of {provider.name}'s app nobody could log in any more, so nothing is changed: {provider.by_hand}."
        )
    config: dict[str, JSON] = {**provider.config, "client_secret": client_secret.strip()}
    scim: JSON = {
        "enabled": True,
        "identity_update_behavior": "automatic",
        "user_deprovision": provider.user_deprovision,
        "seat_deprovision": provider.seat_deprovision,
    }
    body: JSON = {"name": provider.name, "type": _KIND, "config": config, "scim_config": scim}
    what = f"switch SCIM on for {provider.name}"
    answer = cloudflare.send("PUT", f"/access/identity_providers/{provider.id}", what, body)
    told = answer.get("scim_config")
    secret, endpoint = (told.get("secret"), told.get("scim_base_url")) if isinstance(told, dict) else (None, None)
    if not isinstance(secret, str) or not secret:
        raise Uncertain(f"Could not {what}", Answer(200, "", "the answer shows no secret"), f"Make another {provider.by_hand}.")
    return ScimAccess(endpoint if isinstance(endpoint, str) and endpoint else provider.endpoint, secret)


def arrived(cloudflare: Cloudflare, provider: Provider, group_ids: "list[str]") -> set[str]:
    """Which of Entra's groups, by object id, have arrived by provisioning. Raises ServiceRefused."""
    asked = "&".join(f"idp_resource_id={each}" for each in group_ids)
    groups = cloudflare.all(f"/access/identity_providers/{provider.id}/scim/groups?per_page=100&{asked}", "read the provisioned groups")
    return {str(group.get("externalId")) for group in groups} & set(group_ids)


def _provider(entity: Entity) -> Provider:
    config, scim = entity.get("config"), entity.get("scim_config")
    settings = scim if isinstance(scim, dict) else {}
    return Provider(
        id=str(entity.get("id")),
        name=str(entity.get("name")),
        endpoint=str(settings.get("scim_base_url") or ""),
        scim=settings.get("enabled") is True,
        updates=str(settings.get("identity_update_behavior") or ""),
        user_deprovision=settings.get("user_deprovision") is True,
        seat_deprovision=settings.get("seat_deprovision") is True,
        read_only=entity.get("read_only") is True,
        config=config if isinstance(config, dict) else {},
    )
