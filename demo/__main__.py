"""`python -m demo`: the Worker in workerd beside a simulated tenant, minute by minute. Exit status 0 if the tenant ended as it should."""

import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from groups import GROUP_NAMES
from plan import RISK_LEVELS
from runtime import Tick, Worker
from runtime.serving import serving
from runtime.tail import render
from simulator import Tenant
from simulator.asgi import create_app

SOURCE = Path(__file__).resolve().parent.parent / "src"


@dataclass
class Minutes:
    """The tenant's clock: a minute passes between two ticks, though nobody waits for it."""

    minute: int = 0

    def now(self) -> float:
        return time.time() + 60 * self.minute


@dataclass(frozen=True)
class Chapter:
    """A minute: what happens in the tenant before the cron fires, and what to tell the reader about it."""

    title: str
    happens: Callable[[Tenant], str]


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
    Chapter("A quiet minute", nothing),
    Chapter("Risk changes", risk_changes),
    Chapter("Quiet again", nothing),
)


def main(boot: Callable[[dict[str, str], str], AbstractContextManager[Worker]] = offline) -> int:
    """Tell the story; 0 if every minute succeeded and the groups ended as they should."""
    console = Console(highlight=False)
    clock = Minutes()
    tenant = Tenant.contoso(clock=clock.now)
    console.print(
        "A simulated Entra tenant, and beside it the Worker in Cloudflare's workerd. Nothing leaves this machine.\n", soft_wrap=True
    )
    with serving(create_app(tenant)) as address:
        status = console.status("Starting workerd and Python …")
        status.start()
        with boot(tenant.worker_variables, address) as worker:
            status.stop()
            good = [_tell(console, tenant, worker, clock, chapter) for chapter in STORY]
    if all(good):
        console.print("[green]✓[/green] The groups hold exactly the users Identity Protection calls risky.")
        return 0
    console.print("[red]✗[/red] The tenant did not end as it should.")
    return 1


def _tell(console: Console, tenant: Tenant, worker: Worker, clock: Minutes, chapter: Chapter) -> bool:
    clock.minute += 1
    console.rule(Text(f"Minute {clock.minute}: {chapter.title}", style="bold"), align="left")
    before = _members(tenant)
    console.print(chapter.happens(tenant), soft_wrap=True)
    tenant.reset_counters()
    tick = worker.tick(scheduled_time=int(clock.now() * 1000))
    after = _members(tenant)
    console.print(_table(before, after))
    plural = "" if tenant.subrequests == 1 else "s"
    console.print(f"Cost: {tenant.subrequests} subrequest{plural}, {tenant.graph_requests} Graph requests inside. The Worker's console:\n")
    console.print(Text(_indented(tick), style="dim"), soft_wrap=True)
    console.print()
    return tick.outcome == "ok" and after == {level: frozenset(user.id for user in tenant.risky_at(level)) for level in RISK_LEVELS}


def _members(tenant: Tenant) -> dict[str, frozenset[str]]:
    return {level: tenant.members_of(name) for level, name in GROUP_NAMES.items()}


def _table(before: dict[str, frozenset[str]], after: dict[str, frozenset[str]]) -> Table:
    table = Table("Level", box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for heading in ("Members", "Joined", "Left"):
        table.add_column(heading, justify="right")
    for level in RISK_LEVELS:
        joined, left = len(after[level] - before[level]), len(before[level] - after[level])
        table.add_row(level, str(len(after[level])), f"+{joined}" if joined else "·", f"-{left}" if left else "·")
    return table


def _indented(tick: Tick) -> str:
    return "\n".join(f"  {line}" for line in render(tick).splitlines())


if __name__ == "__main__":
    try:
        sys.exit(main())
    except FileNotFoundError as error:  # what runs the Worker is not installed
        sys.exit(str(error))
