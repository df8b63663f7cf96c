"""Measures what ticks cost: `python -m bench` everything, which writes bench/results.md and bench/results.svg and takes some
fifteen minutes, mostly waiting; `python -m bench quiet` (others, user, sizes, start) prints those tables alone."""

import sys
from collections.abc import Mapping
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
WARM_UP, ROUNDS, FEW_ROUNDS = 40, 200, 20
"""Ticks of each subject before, and in, a comparison of processor time; one of each a round, so that all meet the same machine."""
FLOOR = "floor: one empty batch"
COLUMNS = ["subrequests", "Graph requests", "CPU ms", "least", "of the floor"]

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
    """The tables that are asked for, in the order of docs/cost.md."""
    tables = {"quiet": quiet, "others": others, "user": further_user, "sizes": grow, "start": start}
    book = Book()
    for name in sys.argv[1:] or tables:
        tables[name](book)
    if not sys.argv[1:]:
        book.write(HERE / "results.md")


def quiet(book: Book) -> None:
    """A quiet tick of 12 users, without the direct lane and with it, next to the least that a tick can take."""
    with stand() as here, ExitStack() as stack:
        ours, lane = settled(here, stack, lane=False), settled(here, stack, lane=True)
        subjects = least(here, stack) | {"risky-users": ours, "risky-users with the lane": lane}
        taken = in_turn(here, subjects, WARM_UP, ROUNDS)
    without = taken["risky-users"]
    rows = [[name, *figures(each, taken[FLOOR]), f"{of(each, without):.2f}"] for name, each in taken.items()]
    note = f"CPU of the workerd process: median and least of {ROUNDS} ticks, one of each a round; ratios: medians of those of each round."
    book.table("A quiet minute", ["12 risky users, a quiet minute, warm", *COLUMNS, "of risky-users"], rows, note)


def others(book: Book) -> None:
    """The same beside other ways of doing it, which are so much dearer that fewer ticks tell; and the wall time at each delay."""
    with stand() as here, ExitStack() as stack:
        subjects = least(here, stack) | {"risky-users": settled(here, stack, lane=False)}
        subjects["the plain way"] = stack.enter_context(here.worker(WORKERS / "plain"))
        subjects["msgraph-sdk on CPython"] = stack.enter_context(here.sdk())
        taken = in_turn(here, subjects, FEW_ROUNDS, FEW_ROUNDS)
        walls: dict[str, list[str]] = {name: [] for name in subjects}
        for delay in DELAYS_MS:
            here.tenant.behaviour.answer_seconds = delay / 1000
            for name, each in in_turn(here, subjects, 0, 3).items():
                walls[name].append(f"{median(one.wall_ms for one in each):.0f}")
    rows = [[name, *figures(each, taken[FLOOR]), *walls[name]] for name, each in taken.items()]
    columns = ["12 risky users, a quiet minute, warm", *COLUMNS, *(f"wall ms at {delay} ms" for delay in DELAYS_MS)]
    book.table("Beside other ways", columns, rows, f"Of {FEW_ROUNDS} ticks; CPU of the whole process, CPython's too.")


def further_user(book: Book) -> None:
    """A quiet tick of 3,000 users next to one of 12: what each further user takes."""
    with stand() as few, stand() as many, ExitStack() as stack:
        of_few, of_many = settled(few, stack, lane=False), settled(many, stack, lane=False, risky=3000)
        pairs = [(few.tick(of_few).cpu_ms, many.tick(of_many).cpu_ms) for _ in range(FEW_ROUNDS)][1:]
    each = [1000 * (large - small) / (3000 - 12) for small, large in pairs]
    rows = [["at 3,000, µs of CPU", f"{median(each):.1f}", f"{min(each):.1f}"]]
    book.table(
        "A further risky user", ["", "median", "least"], rows, f"From {len(pairs)} quiet ticks of 3,000 users, each after one of 12."
    )


def settled(here: Stand, stack: ExitStack, *, lane: bool, risky: int = 12) -> Subject:
    """Our Worker, whose groups, and lists, hold the risky users already."""
    here.tenant.behaviour.one_risky_read_a_second = False  # the plain way would be throttled
    worker = stack.enter_context(here.worker(lane=lane))
    here.tick(worker)
    settle(here.tenant, risky)
    here.tick(worker)
    return worker


def least(here: Stand, stack: ExitStack) -> dict[str, Subject]:
    """An event by itself, and the least that a Worker can do that talks to Graph."""
    return {
        "empty tick": stack.enter_context(here.worker(WORKERS / "empty")),
        FLOOR: stack.enter_context(here.worker(WORKERS / "floor")),
    }


def figures(taken: list[Sample], floor: list[Sample]) -> list[str]:
    """COLUMNS of these ticks."""
    counts, cpu = taken[-1].counts, [one.cpu_ms for one in taken]
    return [str(counts.subrequests), str(counts.graph_requests), f"{median(cpu):.1f}", f"{min(cpu):.1f}", f"{of(taken, floor):.2f}"]


def of(taken: list[Sample], measure: list[Sample]) -> float:
    """The processor time of these ticks as a multiple of the others' of the same round."""
    return median(one.cpu_ms / other.cpu_ms for one, other in zip(taken, measure, strict=True))


def in_turn(here: Stand, subjects: Mapping[str, Subject], warm_up: int, rounds: int) -> dict[str, list[Sample]]:
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
    calm: dict[int, Sample] = {}
    curves: dict[str, dict[int, Sample]] = {}
    for risky in (*SIZES, LARGEST):
        samples, peak = scenarios(risky)
        calm[risky] = samples["quiet, warm"]
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
        f"Each further risky user costs {1000 * (calm[LARGEST].cpu_ms - calm[12].cpu_ms) / (LARGEST - 12):.1f} µs of CPU at {LARGEST:,}."
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
        ["importing src/ from source, ms of CPU, median of 3", f"{median(times):.0f}"],
        ["the same, least", f"{min(times):.0f}"],
        ["peak memory of workerd with the empty Worker, MB", f"{empty:.0f}"],
    ]
    book.table("A fresh isolate", ["", "measured"], rows)


if __name__ == "__main__":
    main()
