"""Measures everything, prints it, and writes bench/results.md and bench/results.svg. Takes some ten minutes, mostly waiting."""

from contextlib import ExitStack
from pathlib import Path
from random import Random
from statistics import median

from rich.console import Console
from rich.table import Table

from bench.measure import WORKERS, Sample, Stand, Subject, import_ms, stand
from bench.plot import draw
from bench.scenarios import LARGEST, SIZES, change_one_percent, clear, settle

HERE = Path(__file__).parent
DELAYS_MS = (0, 80, 250)
WARM_UP, ROUNDS = 40, 100
"""Ticks of each subject before, and in, the comparison of processor time; one of each a round, so that all meet the same machine."""

console = Console(width=160)


class Book:
    """The tables, on the screen as they come and in one Markdown file at the end."""

    def __init__(self) -> None:
        self._pages: list[str] = ["# What a tick costs", "Written by `make bench`; docs/cost.md says what it means."]

    def table(self, title: str, columns: list[str], rows: list[list[str]], note: str = "") -> None:
        """One table."""
        screen = Table(title=title, caption=note or None)
        for column in columns:
            screen.add_column(column, justify="left" if column is columns[0] else "right")
        for row in rows:
            screen.add_row(*row)
        console.print(screen)
        lines = ["| " + " | ".join(columns) + " |", "|---|" + "---:|" * (len(columns) - 1)]
        lines += ["| " + " | ".join(row) + " |" for row in rows]
        self._pages += [f"## {title}", *([note] if note else []), "\n".join(lines)]

    def write(self, path: Path) -> None:
        """All of them."""
        path.write_text("\n\n".join(self._pages) + "\n", "utf-8")


def main() -> None:
    """Everything, the tables in the order of docs/cost.md."""
    book = Book()
    compare(book)
    grow(book)
    start(book)
    book.write(HERE / "results.md")


def compare(book: Book) -> None:
    """A quiet tick of 12 users, next to other ways of doing it: processor time in turn, then the wall time at each delay."""
    with stand() as here, ExitStack() as stack:
        here.tenant.behaviour.one_risky_read_a_second = False  # the plain way would be throttled
        ours = stack.enter_context(here.worker())
        here.tick(ours)
        settle(here.tenant, 12)
        subjects: dict[str, Subject] = {
            "empty tick": stack.enter_context(here.worker(WORKERS / "empty")),
            "floor: one empty batch": stack.enter_context(here.worker(WORKERS / "floor")),
            "risky-users": ours,
            "the plain way": stack.enter_context(here.worker(WORKERS / "plain")),
            "msgraph-sdk on CPython": stack.enter_context(here.sdk()),
        }
        samples = in_turn(here, subjects, WARM_UP, ROUNDS)
        walls: dict[str, list[float]] = {name: [] for name in subjects}
        for delay in DELAYS_MS:
            here.tenant.behaviour.answer_seconds = delay / 1000
            for name, taken in in_turn(here, subjects, 0, 3).items():
                walls[name].append(median(one.wall_ms for one in taken))
    floor = samples["floor: one empty batch"]
    rows = []
    for name, taken in samples.items():
        ratio = median(one.cpu_ms / other.cpu_ms for one, other in zip(taken, floor, strict=True))
        counts = taken[-1].counts
        cpu = [f"{median(one.cpu_ms for one in taken):.1f}", f"{min(one.cpu_ms for one in taken):.1f}", f"{ratio:.2f}"]
        rows.append([name, str(counts.subrequests), str(counts.graph_requests), *cpu, *(f"{wall:.0f}" for wall in walls[name])])
    columns = ["12 risky users, a quiet minute, warm", "subrequests", "Graph requests", "CPU ms", "least", "of the floor"]
    columns += [f"wall ms at {delay} ms" for delay in DELAYS_MS]
    note = (
        f"CPU: median of {ROUNDS} ticks, one of each a round; of the floor: median of the ratios of each round. The whole process counts."
    )
    book.table("Beside other ways", columns, rows, note)


def in_turn(here: Stand, subjects: dict[str, Subject], warm_up: int, rounds: int) -> dict[str, list[Sample]]:
    """Ticks of all, one of each a round, whose order is drawn anew: who follows whom matters to the caches."""
    taken: dict[str, list[Sample]] = {name: [] for name in subjects}
    order = list(subjects)
    draw_order = Random(0)
    for number in range(warm_up + rounds):
        draw_order.shuffle(order)
        for name in order:
            sample = here.tick(subjects[name])
            if number >= warm_up:
                taken[name].append(sample)
    return taken


def grow(book: Book) -> None:
    """Each scenario's first minute at each size."""
    rows = []
    quiet: dict[int, Sample] = {}
    curves: dict[str, dict[int, Sample]] = {}
    for risky in (*SIZES, LARGEST):
        samples, peak = scenarios(risky)
        quiet[risky] = samples["quiet, warm"]
        for scenario, one in samples.items():
            curves.setdefault(scenario, {})[risky] = one
            counts = one.counts
            units = [f"{counts.resource_units:.0f}", f"{counts.write_units:.0f}"]
            times = [f"{one.cpu_ms:.0f}", f"{one.wall_ms:.0f}", f"{peak:.0f}" if scenario == "quiet, warm" else ""]
            rows.append([f"{risky:,}: {scenario}", str(counts.subrequests), str(counts.graph_requests), *units, *times])
    columns = ["risky users: scenario, first minute", "subrequests", "Graph requests", "resource units", "write units"]
    note = (
        "At no delay but the 1.1 s between two pages of risky users. CPU of quiet, warm minutes: the least of several. "
        "Peak memory: of the whole workerd process, after all of these minutes. "
        f"Each further risky user costs {1000 * (quiet[3000].cpu_ms - quiet[12].cpu_ms) / (3000 - 12):.1f} µs of CPU at 3,000, "
        f"and {1000 * (quiet[LARGEST].cpu_ms - quiet[12].cpu_ms) / (LARGEST - 12):.1f} µs at {LARGEST:,}."
    )
    book.table("How it grows", [*columns, "CPU ms", "wall ms", "peak MB"], rows, note)
    draw(curves, HERE / "results.svg")


def scenarios(risky: int) -> tuple[dict[str, Sample], float]:
    """The first minute of each scenario with so many risky users, and the peak memory of the workerd process in MB."""
    taken: dict[str, Sample] = {}
    with stand() as here, here.worker() as worker:
        here.tick(worker)  # makes the groups
        settle(here.tenant, risky)
        repeats = [here.minute(worker) for _ in range(6 if risky < 1000 else 4 if risky < LARGEST else 3)]
        taken["quiet, warm"] = min(repeats, key=lambda sample: sample.cpu_ms)
        with here.worker() as fresh:
            taken["quiet, cold"] = here.minute(fresh)
        change_one_percent(here.tenant)
        taken["1 % change"] = here.minute(worker)
        clear(here.tenant)
        taken["all cleared"] = here.minute(worker)
        peak = worker.peak_memory_mb()
    with stand() as here, here.worker() as worker:
        for number in range(risky):
            here.tenant.set_risk(here.tenant.add_user(), ("high", "medium", "low")[number % 3])
        taken["first sync"] = here.minute(worker)
    return taken, peak


def start(book: Book) -> None:
    """What a fresh isolate takes before its first tick, and what an idle one holds."""
    times = [import_ms() for _ in range(3)]
    with stand() as here, here.worker(WORKERS / "empty") as worker:
        here.tick(worker)
        empty = worker.peak_memory_mb()
    rows = [
        ["importing src/ from source, ms, median of 3", f"{median(times):.0f}"],
        ["the same, least", f"{min(times):.0f}"],
        ["peak memory of workerd with the empty Worker, MB", f"{empty:.0f}"],
    ]
    book.table("A fresh isolate", ["", "measured"], rows)


if __name__ == "__main__":
    main()
