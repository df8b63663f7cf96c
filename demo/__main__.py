"""`python -m demo`: the Worker in workerd beside a simulated tenant and account. Exit status 0 if all ended as it should."""

import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from demo.delays import how_long
from groups import GROUP_NAMES
from plan import RISK_LEVELS
from runtime import Tick, Worker
from runtime.serving import serving
from runtime.tail import render
from simulator import Chain, Tenant
from simulator.asgi import create_app

SOURCE = Path(__file__).resolve().parent.parent / "src"
MAY_READ_MAIL = "User.ReadBasic.All"


@dataclass
class Minutes:
    """The simulated services' clock: a minute passes between two ticks, though nobody waits for it."""

    minute: int = 0

    def now(self) -> float:
        return time.time() + 60 * self.minute

    def next(self, worker: Worker) -> Tick:
        """Let a minute pass, for the Worker as well, and its tick."""
        self.minute += 1
        worker.ahead = 60.0 * self.minute
        return worker.tick()


@dataclass(frozen=True)
class Chapter:
    """A minute: what happens in the tenant before the cron fires, and what to tell the reader about it."""

    title: str
    happens: Callable[[Tenant], str]
    untold: int = 0
    """Minutes that pass before it, of which there is nothing to tell."""


def offline(variables: dict[str, str], address: str) -> Worker:
    """The Worker on the stock Pyodide, which needs nothing from outside."""
    return Worker(SOURCE, variables, address)


def nothing_yet(tenant: Tenant) -> str:
    return f"{tenant.risky_count()} users are risky; there are no groups yet. The Worker has just been deployed."


def nothing(tenant: Tenant) -> str:
    return "Nobody's risk has changed."


def risk_changes(tenant: Tenant) -> str:
    up, cleared = tenant.risky_at("medium")[0], tenant.risky_at("high")[0]
    deleted = tenant.risky_at("low")[0]
    tenant.set_risk(up, "high")
    tenant.dismiss(cleared)
    tenant.delete_user(deleted)
    return f"{up.name} went from medium to high; the risk of {cleared.name}, high, was dismissed; {deleted.name}, low, was deleted."


STORY = (
    Chapter("The first minute", nothing_yet),
    Chapter("A quiet minute", nothing, untold=1),  # after a change all lists are read once more
    Chapter("Risk changes", risk_changes),
    Chapter("Quiet again", nothing, untold=1),
)


def main(boot: Callable[[dict[str, str], str], AbstractContextManager[Worker]] = offline) -> int:
    """Tell the story; 0 if every minute succeeded, and groups, lists and browsers ended as they should."""
    console = Console(highlight=False)
    clock = Minutes()
    chain = Chain.contoso(clock=clock.now)
    chain.tenant.app.permissions.add(MAY_READ_MAIL)
    console.print(
        "A simulated Entra tenant and Cloudflare account, with the Worker in Cloudflare's workerd between them. "
        "Nothing leaves this machine.\n",
        soft_wrap=True,
    )
    with serving(create_app(chain.tenant, chain.account)) as address:
        starting = console.status("Starting workerd and Python …")
        starting.start()
        with boot(dict(chain.worker_variables), address) as worker:
            starting.stop()
            good = [_tell(console, chain, worker, clock, chapter) for chapter in STORY]
            good.append(how_long(console, chain, lambda: clock.next(worker)))
    if all(good) and _as_it_should_be(chain):
        console.print("[green]✓[/green] The groups and lists hold exactly the users Identity Protection calls risky.")
        return 0
    console.print("[red]✗[/red] It did not end as it should.")
    return 1


def _tell(console: Console, chain: Chain, worker: Worker, clock: Minutes, chapter: Chapter) -> bool:
    tenant, account = chain.tenant, chain.account
    for _ in range(chapter.untold):
        clock.next(worker)
    console.rule(Text(f"Minute {clock.minute + 1}: {chapter.title}", style="bold"), align="left")
    before = _members(tenant)
    console.print(chapter.happens(tenant), soft_wrap=True)
    tenant.reset_counters()
    account.reset_counters()
    tick = clock.next(worker)
    console.print(_table(chain, before))
    subrequests = tenant.subrequests + account.subrequests
    console.print(f"Cost: {subrequests} subrequests, {account.subrequests} of them to Cloudflare. The Worker's console:\n")
    console.print(Text(_indented(tick), style="dim"), soft_wrap=True)
    console.print()
    return tick.outcome == "ok" and _as_it_should_be(chain)


def _as_it_should_be(chain: Chain) -> bool:
    """Whether the groups hold the risky users, and nobody else's browser is isolated."""
    risky = {level: frozenset(user.id for user in chain.tenant.risky_at(level)) for level in RISK_LEVELS}
    isolated = {user.id for user in chain.tenant.users if not user.deleted and chain.isolated(user)}
    return _members(chain.tenant) == risky and isolated == frozenset().union(*risky.values())


def _members(tenant: Tenant) -> dict[str, frozenset[str]]:
    return {level: tenant.members_of(name) for level, name in GROUP_NAMES.items()}


def _table(chain: Chain, before: dict[str, frozenset[str]]) -> Table:
    table = Table("Level", box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for heading in ("In the group", "Joined", "Left", "Isolated browsers"):
        table.add_column(heading, justify="right")
    for level, members in _members(chain.tenant).items():
        joined, left = len(members - before[level]), len(before[level] - members)
        isolated = sum(chain.isolated(user) for user in chain.tenant.risky_at(level))
        table.add_row(level, str(len(members)), f"+{joined}" if joined else "·", f"-{left}" if left else "·", str(isolated))
    return table


def _indented(tick: Tick) -> str:
    return "\n".join(f"  {line}" for line in render(tick).splitlines())


if __name__ == "__main__":
    try:
        sys.exit(main())
    except FileNotFoundError as error:  # what runs the Worker is not installed
        sys.exit(str(error))
