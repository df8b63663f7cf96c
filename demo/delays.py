"""The same risk twice, felt at a browser by way of Entra's groups and by way of the Worker's lists."""

from collections.abc import Callable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from simulator import Chain, compare

BAR_SECONDS = 60.0
"""What a character of a bar stands for."""
A_MINUTE_AND_A_BIT = 90.0
A_CYCLE_AND_A_BIT = 41 * 60.0


def how_long(console: Console, chain: Chain, minute: Callable[[], object]) -> bool:
    """Measure and show it; whether the lists took a minute at most and the groups a provisioning cycle. `minute` lets one pass."""
    user = next(user for user in reversed(chain.tenant.users) if not chain.isolated(user) and not user.deleted)
    console.rule(Text("Risk to isolation, and back", style="bold"), align="left")
    console.print(
        f"{user.name}'s risk rises to high and is dismissed once the browser is isolated: first with a Gateway policy that goes by the "
        "groups, which Entra provisions to Cloudflare every 40 minutes, then with one that goes by the lists of the direct lane.\n",
        soft_wrap=True,
    )
    with console.status("Minutes pass, and in each the Worker runs …"):
        with_lane, without = compare(chain, user, minute)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    for title, by_group, by_list in (
        ("Isolated after", without.isolated, with_lane.isolated),
        ("Released after", without.released, with_lane.released),
    ):
        table.add_row(Text(title, style="bold"), "by groups", _bar(by_group, "yellow"))
        table.add_row("", "by lists", _bar(by_list, "green"))
    console.print(table)
    console.print()
    return all(
        by_list is not None and by_list <= A_MINUTE_AND_A_BIT and by_group is not None and by_group <= A_CYCLE_AND_A_BIT
        for by_group, by_list in ((without.isolated, with_lane.isolated), (without.released, with_lane.released))
    )


def _bar(seconds: float | None, style: str) -> Text:
    if seconds is None:
        return Text("never", style=style)
    return Text("█" * max(1, round(seconds / BAR_SECONDS)), style=style).append(f" {_duration(seconds)}", style="default")


def _duration(seconds: float) -> str:
    return f"{round(seconds)} s" if seconds < 50 else f"{round(seconds / 60)} min"
