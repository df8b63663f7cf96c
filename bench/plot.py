"""The plot of cost against size."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl

from bench.measure import Sample

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "risky-users"  # the same picture from the same numbers


def draw(curves: Mapping[str, Mapping[int, Sample]], path: Path) -> None:
    """Subrequests, CPU and write units of a tick over the number of risky users, a line a scenario."""
    from matplotlib import pyplot  # after the backend is chosen

    figure, axes = pyplot.subplots(1, 3, figsize=(13, 4), layout="constrained")
    for scenario, samples in curves.items():
        sizes = list(samples)
        axes[0].plot(sizes, [one.counts.subrequests for one in samples.values()], marker="o", label=scenario)
        axes[1].plot(sizes, [one.cpu_ms for one in samples.values()], marker="o", label=scenario)
        axes[2].plot(sizes, [one.counts.write_units for one in samples.values()], marker="o", label=scenario)
    for axis, title in zip(axes, ("subrequests", "CPU of the workerd process, ms", "Microsoft's write units"), strict=True):
        axis.set_title(title)
        axis.set_xlabel("risky users")
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
    axes[0].legend()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
