"""A chain with a stand-in for the Worker: what a tick makes of groups and lists, without its requests to Graph."""

from dataclasses import dataclass, field

from simulator import Request, User
from simulator.chain import GROUP_NAMES, Chain
from simulator.messages import JSON, as_json
from tests.simulator.client import Clock

MINUTE = 60.0


@dataclass
class World:
    """A chain whose next minute begins when somebody says so."""

    chain: Chain
    clock: Clock
    ada: User
    ticks: int = field(default=0, init=False)

    def minute(self) -> None:
        """The rest of this minute, and the tick that begins the next."""
        self.clock.time += MINUTE - self.clock.time % MINUTE
        self.tick()

    def later(self, minutes: float) -> None:
        """Time that passes without a tick."""
        self.clock.time += minutes * MINUTE

    def tick(self) -> None:
        """Groups hold who is at their level, and lists the addresses."""
        self.ticks += 1
        for level, name in GROUP_NAMES.items():
            risky = self.chain.tenant.risky_at(level)
            self._fill_group(name, {user.id for user in risky})
            if self.chain.lane:
                self._fill_list(f"risky-users-{level}", {self.chain.address(user).lower() for user in risky})

    def _fill_group(self, name: str, wanted: set[str]) -> None:
        tenant = self.chain.tenant
        group = tenant.groups_named(name)[0] if tenant.groups_named(name) else tenant.create_group(name)
        for user in wanted - group.members.keys():
            tenant.add_member(group, user)
        for user in group.members.keys() - wanted:
            tenant.remove_member(group, user)

    def _fill_list(self, name: str, wanted: set[str]) -> None:
        account = self.chain.account
        target = account.list_named(name)
        append, remove = sorted(wanted - {*target.values}), sorted({*target.values} - wanted)
        if append or remove:
            address = f"https://api.cloudflare.com/client/v4/accounts/{account.id}/gateway/lists/{target.id}"
            headers = {"Authorization": f"Bearer {account.token.value}", "Content-Type": "application/json"}
            changes: dict[str, JSON] = {"append": [{"value": value} for value in append], "remove": [*remove]}
            sent = as_json({name: values for name, values in changes.items() if values})
            assert account.handle(Request("PATCH", address, headers, sent)).status == 200


def world(*, lane: bool = True, base_group: bool = False, second: float = 0.0) -> World:
    """Contoso with ada besides, who is at no risk; the first provisioning cycle runs at `second` of a minute."""
    clock = Clock(1_790_000_040.0 + second)
    chain = Chain.contoso(clock=clock.now, lane=lane, base_group=base_group)
    return World(chain, clock, chain.tenant.add_user("Ada Lovelace"))
