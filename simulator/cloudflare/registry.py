"""What SCIM requests and logins do at Cloudflare: to its SCIM resources, their log, and the identities of people.

Gateway evaluates the identity in the user registry; SCIM changes that of somebody who is there already, at once, after the next
login or never, by `identity_update_behavior`; its groups replace those of the login, and names of groups come by SCIM alone
(https://developers.cloudflare.com/cloudflare-one/team-and-resources/users/scim/).
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Literal, TypeAlias

from simulator.cloudflare.provisioned import IdentityProvider, ProvisionedGroup, ProvisionedUser, ScimEvent
from simulator.cloudflare.service import Service
from simulator.cloudflare.state import Person
from simulator.messages import JSON
from simulator.scim import Rejected, ScimGroup, ScimUser

Method: TypeAlias = Literal["POST", "PATCH", "DELETE"]


class Registry:
    """The SCIM endpoint of one provider (simulator.scim.ScimEndpoint), and its logins. An id that is not its own is rejected."""

    def __init__(self, service: Service, provider: IdentityProvider) -> None:
        self._service, self.provider = service, provider

    def put_user(self, user: ScimUser, known: str | None, now: float) -> str:
        """Create a user, or bring the one with the id `known`, or else with this user name, up to date and back to life; its id."""
        held = self.provider.users.get(known or "") or self._user_named(user.user_name)
        if held is None:
            held = ProvisionedUser(self._service.new_id(), user, True, now, now)
            self.provider.users[held.id] = held
            self._log_user("POST", held, now)
        elif (held.content, held.active) != (user, True):
            held.content, held.active, held.modified = user, True, now
            self._log_user("PATCH", held, now)
            self._update_identities({held.id}, now)
        return held.id

    def deactivate_user(self, target: str, now: float) -> None:
        """Take a user out of scope. With user deprovisioning that ends their sessions, too. Raises Rejected."""
        user = self.provider.users.get(target)
        if user is None:
            raise Rejected(f"there is no user {target}")
        if not user.active:
            return
        user.active, user.modified = False, now
        self._log_user("PATCH", user, now)
        for person in self._people_of([user]):
            if self.provider.user_deprovision:
                person.enrolled = False
                person.seats = person.seats and not self.provider.seat_deprovision
        self._update_identities({user.id}, now)

    def put_group(self, group: ScimGroup, known: str | None, now: float) -> str:
        """Create a group, or bring the one with the id `known`, or else with this external id, up to date; its id. Raises Rejected."""
        if strangers := group.members - self.provider.users.keys():
            raise Rejected(f"there is no user {min(strangers)}")
        held = self.provider.groups.get(known or "") or self._group_known_as(group.external_id)
        if held is None:
            held = ProvisionedGroup(self._service.new_id(), group, now, now)
            self.provider.groups[held.id] = held
            self._log_group("POST", held, now)
            self._update_identities(group.members, now)
        elif held.content != group:
            concerned = held.content.members | group.members
            held.content, held.modified = group, now
            self._log_group("PATCH", held, now)
            self._update_identities(concerned, now)
        return held.id

    def delete_group(self, target: str, now: float) -> None:
        """Delete a group. Raises Rejected."""
        group = self.provider.groups.pop(target, None)
        if group is None:
            raise Rejected(f"there is no group {target}")
        self._log_group("DELETE", group, now)
        self._update_identities(group.content.members, now)

    def log_in(self, person: Person, group_ids: tuple[str, ...], now: float) -> None:
        """What a login brings: Entra's claim has the groups' ids, SCIM their names."""
        person.last_login = person.identity_updated = now
        person.group_ids = group_ids if self.provider.config.get("support_groups") is True else ()
        if self.provider.scim_enabled and self.provider.identity_update_behavior != "no_action":
            self._refresh([person], now)

    # --- identities ---

    def _update_identities(self, user_ids: Collection[str], now: float) -> None:
        """Carry these users' groups into their identities, where that is what the provider is set to."""
        if self.provider.identity_update_behavior == "automatic":
            self._refresh(self._people_of(self.provider.users[each] for each in user_ids), now)

    def _refresh(self, people: Iterable[Person], now: float) -> None:
        """Let identities hold the names of the groups of the users that they belong to; those of nobody's stay as they are."""
        users = defaultdict[str, list[ProvisionedUser]](list)
        for user in self.provider.users.values():
            users[self._form(user.address)].append(user)
        names = self._group_names()
        for person in people:
            own = users.get(self._form(person.email), [])
            groups = tuple(sorted({name for user in own if user.active for name in names.get(user.id, ())}))
            if own and groups != person.groups:
                person.groups, person.identity_updated = groups, now

    def _group_names(self) -> Mapping[str, list[str]]:
        """The names of each user's groups, by the user's id."""
        names = defaultdict[str, list[str]](list)
        for group in self.provider.groups.values():
            for member in group.content.members:
                names[member].append(group.content.name)
        return names

    def _people_of(self, users: Iterable[ProvisionedUser]) -> list[Person]:
        addresses = {self._form(user.address) for user in users}
        return [person for person in self._service.state.people.values() if self._form(person.email) in addresses]

    def _form(self, address: str) -> str:
        """What of an address is compared."""
        return address if self._service.behaviour.scim_matches_case else address.lower()

    # --- what is there, and the log ---

    def _user_named(self, user_name: str) -> ProvisionedUser | None:
        return next((each for each in self.provider.users.values() if each.content.user_name.lower() == user_name.lower()), None)

    def _group_known_as(self, external_id: str) -> ProvisionedGroup | None:
        return next((each for each in self.provider.groups.values() if each.content.external_id == external_id), None)

    def _log_user(self, method: Method, user: ProvisionedUser, now: float) -> None:
        body: JSON = {"userName": user.content.user_name, "active": True} if user.active else {"active": False}
        event = ScimEvent(
            now, method, "USER", user.id, user.content.external_id or "", json.dumps(body), user_email=user.content.email or ""
        )
        self.provider.log.append(event)

    def _log_group(self, method: Method, group: ProvisionedGroup, now: float) -> None:
        content = group.content
        body: JSON = {"displayName": content.name, "members": [{"value": member} for member in sorted(content.members)]}
        sent = "" if method == "DELETE" else json.dumps(body)
        event = ScimEvent(now, method, "GROUP", group.id, content.external_id, sent, group_name=content.name)
        self.provider.log.append(event)
