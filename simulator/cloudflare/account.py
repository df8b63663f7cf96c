"""The account as a whole: what its administrators and its people do, and the truth about it."""

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from random import Random

from simulator.cloudflare import enforcement, rules
from simulator.cloudflare.administration import Administration
from simulator.cloudflare.enforcement import Decision
from simulator.cloudflare.registry import Registry
from simulator.cloudflare.state import GatewayList, Person, Rule
from simulator.messages import JSON

LEVELS = ("high", "medium", "low")


class Account(Administration):
    """One Cloudflare account. `clock` gives epoch seconds."""

    def __init__(self, clock: Callable[[], float] = time.time, random: Random | None = None) -> None:
        super().__init__(clock, random or Random(1))

    @classmethod
    def contoso(cls, seed: int = 1, clock: Callable[[], float] = time.time) -> "Account":
        """An account with Browser Isolation and TLS decryption, a list and an isolate rule a level, Entra ID with SCIM, one token."""
        account = cls(clock, Random(seed))
        account.create_token("risky-users worker", "Zero Trust Write")
        account.decrypt_tls(on=True)
        account.add_provider(scim=True)
        for level in LEVELS:
            made = account.add_list(f"risky-users-{level}")
            account.add_rule(f"risky-users: isolate {level}", identity=f"identity.email in ${made.id}")
        return account

    # --- what people do ---

    def enroll(self, email: str, name: str = "", group_ids: Iterable[str] = ()) -> Person:
        """Register somebody's client, with a login. `email` is the claim that the provider is told to compare."""
        person = self.person(email) or Person(self.service.new_id(), email, name, self.clock())
        self.state.people[person.id] = person
        person.enrolled = person.seats = True
        self.log_in(person, group_ids)
        return person

    def log_in(self, person: Person, group_ids: Iterable[str] = ()) -> None:
        """Log somebody in; `group_ids` are the object ids that Entra's claim holds."""
        person.last_login = person.identity_updated = self.clock()
        for provider in list(self.state.providers.values())[:1]:
            Registry(self.service, provider).log_in(person, tuple(group_ids), self.clock())
        self.changed()

    def page_load(self, person: Person, url: str = "https://www.example.com/") -> Decision:
        """What Gateway decides when somebody opens a page."""
        self.catch_up()
        return enforcement.decide(self.state, self.behaviour, person, url, self.clock())

    # --- the truth, without any lag ---

    @property
    def worker_variables(self) -> dict[str, str]:
        """The vars and the secret of a Worker that keeps contoso's lists, by name."""
        named = {level: self.lists_named(f"risky-users-{level}") for level in LEVELS}
        ids = {f"GATEWAY_LIST_{level.upper()}": found[0].id for level, found in named.items() if found}
        return {"CLOUDFLARE_ACCOUNT_ID": self.id, **ids, "GATEWAY_API_TOKEN": self.token.value}

    def lists_named(self, name: str) -> list[GatewayList]:
        """The lists of this name, the oldest first."""
        return [each for each in self.state.standing_lists() if each.name == name]

    def list_named(self, name: str) -> GatewayList:
        """The oldest list of this name. Raises LookupError."""
        return self.lists_named(name)[0]

    def rule_named(self, name: str) -> Rule:
        """The rule of this name. Raises StopIteration."""
        return next(rule for rule in self.state.rules.value.values() if rule.name == name)

    def person(self, email: str) -> Person | None:
        """Somebody by their address, in whatever case."""
        return next((each for each in self.state.people.values() if each.email.lower() == email.lower()), None)

    def snapshot(self) -> dict[str, JSON]:
        """Lists, rules, people, provisioning jobs, counters, faults and behaviour as JSON, for a page."""
        return {
            "time": self.clock(),
            "account": self.id,
            "lists": [
                {"id": each.id, "name": each.name, "type": each.type, "updated": each.updated, "values": [*each.values]}
                for each in self.state.standing_lists()
            ],
            "rules": [rules.rule_entity(rule) for rule in self.state.rules.value.values()],
            "settings": dict(self.state.settings.value),
            "people": [
                {"id": each.id, "email": each.email, "name": each.name, "enrolled": each.enrolled, "groups": [*each.groups]}
                for each in self.state.people.values()
            ],
            "providers": [
                {"id": each.id, "name": each.name, "groups": [group.content.name for group in each.groups.values()]}
                for each in self.state.providers.values()
            ],
            "jobs": [{"next": each.next, "last": each.last, "paused": each.paused, "quarantined": each.quarantined} for each in self.jobs],
            "tokens": [
                {"id": each.id, "name": each.name, "permissions": [*sorted(each.permissions)]} for each in self.state.tokens.values()
            ],
            "workers": [*self.state.workers],
            "behaviour": asdict(self.behaviour),
            "faults": [asdict(fault) for fault in self.faults],
            "violations": list(self.violations),
            "subrequests": self.subrequests,
            "writes": self.writes,
        }
