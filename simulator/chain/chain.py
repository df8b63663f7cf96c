"""A tenant and an account, connected."""

import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from simulator.chain.assigned import AssignedGroups
from simulator.cloudflare import Account, Decision, Person
from simulator.cloudflare.account import LEVELS
from simulator.cloudflare.state import edited
from simulator.entra import Group, Tenant, User
from simulator.scim import ProvisioningJob

GROUP_NAMES: Mapping[str, str] = {level: f"IdentityProtection-RiskyUser-RiskLevel-{level}" for level in LEVELS}
PAGE = "https://www.example.com/"


class Browser(NamedTuple):
    """Whether it is isolated, and since when it is so, in epoch seconds."""

    isolated: bool
    since: float


class Chain:
    """A tenant whose users browse through an account. Both go by one clock, of epoch seconds.

    Every user has a client registered with the account, and is a member of `base_group`, if there is one. `job` is whoever
    provisions, by a clock of its own: by default a plain one that carries the three groups, as soon as they are there, and the base
    group, every 40 minutes; `TenantJobs(tenant)` are those that an administrator makes. Whoever wants to hear of changes of either
    side sets `on_change` here, for theirs are taken.
    """

    def __init__(self, tenant: Tenant, account: Account, *, job: ProvisioningJob | None = None, base_group: Group | None = None) -> None:
        self.tenant, self.account, self.base_group = tenant, account, base_group
        self.job = job or account.connect(AssignedGroups(tenant, GROUP_NAMES.values(), [base_group] if base_group else []))
        if self.job not in account.jobs:
            account.jobs.append(self.job)
        self.lane = True
        self.on_change: Callable[[], None] | None = None
        """Hears of every request to either, once it is answered, and of whatever else may have changed something."""
        self.page = PAGE
        """What a browser opens to see whether it is isolated."""
        self._people: dict[str, Person] = {}
        self._browsers: dict[str, Browser] = {}
        self._looked = self.clock()
        self._looking = False
        tenant.door = account.door
        tenant.on_change, account.on_change = self._tenant_changed, self._account_changed
        self.look()

    @classmethod
    def contoso(
        cls, risky: int = 12, seed: int = 1, clock: Callable[[], float] = time.time, *, lane: bool = True, base_group: bool = False
    ) -> "Chain":
        """Contoso's tenant and account, the Worker deployed with the direct lane or without."""
        tenant, account = Tenant.contoso(risky, seed, clock), Account.contoso(seed, clock)
        chain = cls(tenant, account, base_group=tenant.create_group("Zero Trust users") if base_group else None)
        chain.use_lane(on=lane)
        return chain

    def clock(self) -> float:
        """Epoch seconds."""
        return self.account.clock()

    # --- the Worker's part ---

    @property
    def worker_variables(self) -> Mapping[str, str]:
        """The vars and secrets of the Worker, with the lane's where it is in use."""
        return {**self.tenant.worker_variables, **(self.account.worker_variables if self.lane else {})}

    def use_lane(self, *, on: bool) -> None:
        """Let the rules of contoso's account go by the lists, or by the groups that SCIM brings."""
        self.lane = on
        for level, name in GROUP_NAMES.items():
            by_list = f"identity.email in ${self.account.list_named(f'risky-users-{level}').id}"
            identity = by_list if on else f'any(identity.groups.name[*] in {{"{name}"}})'
            rule = self.account.rule_named(f"risky-users: isolate {level}")
            self.account.put_rule(edited(rule, self.clock(), identity=identity))

    # --- what users do, and what they see of it ---

    def page_load(self, user: User, url: str = PAGE) -> Decision:
        """What Gateway decides when the user opens a page."""
        return self.account.page_load(self.person(user), url)

    def isolated(self, user: User) -> bool:
        """Whether the user's browser is isolated."""
        return self._browser(user).isolated

    def since(self, user: User) -> float:
        """Since when it is isolated, or is not, in epoch seconds: when SCIM, a request, or an administrator brought that about."""
        return self._browser(user).since

    @property
    def browsers(self) -> Mapping[str, Browser]:
        """All of them by their users' ids, as of the last look."""
        return self._browsers

    def log_in(self, user: User) -> Person:
        """Let the user log in, which tells Cloudflare their address and their groups' ids as they are now."""
        person = self.account.enroll(self.address(user), user.name, self._group_ids(user))
        if (former := self._people.get(user.id)) and former is not person:
            former.enrolled = False  # the one client is now registered to the new address
        self._people[user.id] = person
        self.look()
        return person

    def person(self, user: User) -> Person:
        """The user in the account's registry."""
        return self._people.get(user.id) or self.log_in(user)

    def address(self, user: User) -> str:
        """The address that Cloudflare holds after a login: the claim that its provider is told to take, else mail, else UPN.

        https://developers.cloudflare.com/cloudflare-one/integrations/identity-providers/entra-id/
        """
        claims = {"email": user.mail, "upn": user.principal_name, "preferred_username": user.principal_name}
        told = next((str(each.config.get("email_claim_name")) for each in self.account.state.providers.values()), "email")
        return claims.get(told) or user.mail or user.principal_name

    # --- time ---

    @property
    def next_cycle(self) -> float | None:
        """When provisioning carries groups over next, in epoch seconds; None while that is not to be expected."""
        return self.job.next

    def look(self) -> None:
        """Let happen what is due, and notice whose browser has become isolated, or is so no longer; `on_change` hears of that."""
        if self._looking:
            return
        self._looking = True
        try:
            for user in self._newcomers():
                if self.base_group:
                    self.tenant.add_member(self.base_group, user)
                self.log_in(user)
            noticed = [self._notice(user_id, person) for user_id, person in list(self._people.items())]
            self._looked = self.clock()
        finally:
            self._looking = False
        if any(noticed) and self.on_change:
            self.on_change()

    def _newcomers(self) -> list[User]:
        """Users who have no client yet."""
        return [user for user in self.tenant.users if not user.deleted and user.id not in self._people]

    def _notice(self, user_id: str, person: Person) -> bool:
        """Note how the browser is now, after what is due; whether that is news."""
        isolated = self.account.page_load(person, self.page).isolated
        before = self._browsers.get(user_id)
        if before and before.isolated == isolated:
            return False
        by_scim = person.identity_updated or 0.0  # which may have come between two looks; all else is looked at as it happens
        self._browsers[user_id] = Browser(isolated, by_scim if by_scim > self._looked else self.clock())
        return True

    def _browser(self, user: User) -> Browser:
        self._notice(user.id, self.person(user))
        return self._browsers[user.id]

    def _group_ids(self, user: User) -> list[str]:
        return [group.id for group in self.tenant.directory.standing_groups() if user.id in group.members]

    def _tenant_changed(self) -> None:
        if self._newcomers():
            self.look()
        self._tell()

    def _account_changed(self) -> None:
        self.look()
        self._tell()

    def _tell(self) -> None:
        if self.on_change and not self._looking:
            self.on_change()
