"""What SCIM requests and logins do at Cloudflare: to its SCIM resources, their log, and the identities of people.

Gateway evaluates the identity in the user registry; SCIM changes that of somebody who is there already, at once, after the next
login or never, by `identity_update_behavior`; its groups replace those of the login, and names of groups come by SCIM alone
(https://developers.cloudflare.com/cloudflare-one/team-and-resources/users/scim/).
"""

import json
from typing import Literal, TypeAlias

from simulator.cloudflare.provisioned import IdentityProvider, ScimEvent, ScimGroup, ScimUser
from simulator.cloudflare.service import Service
from simulator.cloudflare.state import Person
from simulator.messages import JSON

Method: TypeAlias = Literal["POST", "PATCH", "DELETE"]


class Registry:
    """The SCIM endpoint of one provider, and its logins."""

    def __init__(self, service: Service, provider: IdentityProvider) -> None:
        self._service, self.provider = service, provider

    def put_user(self, external_id: str, user_name: str, name: str, email: str | None, now: float) -> ScimUser:
        """Create a user, or bring the one with this user name up to date and back to life."""
        user = next((each for each in self.provider.users.values() if each.user_name.lower() == user_name.lower()), None)
        if user is None:
            user = ScimUser(self._service.new_id(), external_id, user_name, name, email, True, now, now)
            self.provider.users[user.id] = user
            self._log_user("POST", user, now, {"userName": user_name, "active": True})
        elif (user.external_id, user.name, user.email, user.active) != (external_id, name, email, True):
            user.external_id, user.name, user.email, user.active, user.modified = external_id, name, email, True, now
            self._log_user("PATCH", user, now, {"userName": user_name, "active": True})
        return user

    def deactivate(self, user: ScimUser, now: float) -> None:
        """Take a user out of scope. With user deprovisioning that ends their sessions, too."""
        if not user.active:
            return
        user.active, user.modified = False, now
        self._log_user("PATCH", user, now, {"active": False})
        for person in self._service.state.people.values():
            if self.provider.user_deprovision and self._is(user, person):
                person.enrolled = False
                person.seats = person.seats and not self.provider.seat_deprovision

    def put_group(self, external_id: str, name: str, members: set[str], now: float) -> None:
        """Create a group, or bring it up to date; `members` are ids of ScimUsers."""
        group = next((each for each in self.provider.groups.values() if each.external_id == external_id), None)
        body: JSON = {"displayName": name, "members": [{"value": member} for member in sorted(members)]}
        if group is None:
            group = ScimGroup(self._service.new_id(), external_id, name, set(members), now, now)
            self.provider.groups[group.id] = group
            self._log_group("POST", group, now, body)
        elif (group.name, group.members) != (name, members):
            group.name, group.members, group.modified = name, set(members), now
            self._log_group("PATCH", group, now, body)

    def drop_group(self, group: ScimGroup, now: float) -> None:
        """Delete a group."""
        del self.provider.groups[group.id]
        self._log_group("DELETE", group, now, None)

    def update_identities(self, now: float) -> None:
        """Carry the groups into the identities, where that is what the provider is set to."""
        if self.provider.identity_update_behavior == "automatic":
            for person in self._service.state.people.values():
                self._refresh(person, now)

    def log_in(self, person: Person, group_ids: tuple[str, ...], now: float) -> None:
        """What a login brings: Entra's claim has the groups' ids, SCIM their names."""
        person.last_login = person.identity_updated = now
        person.group_ids = group_ids if self.provider.config.get("support_groups") is True else ()
        if self.provider.scim_enabled and self.provider.identity_update_behavior != "no_action":
            self._refresh(person, now)

    def _refresh(self, person: Person, now: float) -> None:
        own = {user.id for user in self.provider.users.values() if self._is(user, person)}
        active = {user for user in own if self.provider.users[user].active}
        groups = tuple(sorted(group.name for group in self.provider.groups.values() if group.members & active))
        if own and groups != person.groups:
            person.groups, person.identity_updated = groups, now

    def _is(self, user: ScimUser, person: Person) -> bool:
        address = user.email or user.user_name
        return address == person.email or (not self._service.behaviour.scim_matches_case and address.lower() == person.email.lower())

    def _log_user(self, method: Method, user: ScimUser, now: float, body: JSON) -> None:
        event = ScimEvent(now, method, "USER", "SUCCESS", user.id, user.external_id, user_email=user.email or "", body=json.dumps(body))
        self.provider.log.append(event)

    def _log_group(self, method: Method, group: ScimGroup, now: float, body: JSON) -> None:
        event = ScimEvent(
            now, method, "GROUP", "SUCCESS", group.id, group.external_id, group_name=group.name, body=json.dumps(body) if body else ""
        )
        self.provider.log.append(event)
