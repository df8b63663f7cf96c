"""What the commands have made, so that `remove` takes that and nothing else: ids in a small file beside wrangler's, without secrets.

Setting up goes by looking and never by this file: losing it loses only the knowledge which of several equal things was made here.
An entry is written down before the thing is made: whoever is stopped in between finds the thing, and knows whose it is.
"""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from risky_users.admin.errors import AdminError, ServiceRefused, Uncertain
from text import JSON

FILE = ".risky-users.json"
_ABOUT = "What `risky-users setup` made, for `risky-users remove`. It holds no secret: keep it with the project."

WORKER = "worker"
"""The entry for the Worker, whose id is its name, where its first deployment was made here."""


@dataclass(slots=True)
class Ledger:
    """The entries by key; each is a mapping of texts, `id` among them once the thing is there."""

    path: Path
    tenant: str = ""
    account: str = ""
    worker: str = ""
    entries: dict[str, dict[str, str]] = field(default_factory=dict)

    @classmethod
    def open(cls, folder: Path) -> "Ledger":
        """The ledger of a project's folder, empty where there is none yet. Raises AdminError where it cannot be read."""
        path = folder / FILE
        if not path.is_file():
            return cls(path)
        try:
            read: JSON = json.loads(path.read_text("utf-8"))
            entries = read["made"] if isinstance(read, dict) else None
            if not isinstance(read, dict) or not isinstance(entries, dict):
                raise TypeError("not as it was written")
            made = {key: {name: str(value) for name, value in entry.items()} for key, entry in entries.items() if isinstance(entry, dict)}
        except (ValueError, KeyError, TypeError) as error:
            raise AdminError(f"{path} cannot be read ({error}): restore it, or move it away to go on without it.") from error
        tenant, account, worker = (str(read.get(whose, "")) for whose in ("tenant", "account", "worker"))
        return cls(path, tenant, account, worker, made)

    def claim(self, *, tenant: str = "", account: str = "", worker: str = "") -> None:
        """Let this folder belong to a tenant, an account and a Worker, from what is made first. Raises AdminError where it belongs to
        others."""
        if self.worker and worker and self.worker != worker:
            remedy = f"give it back that name, or set {worker} up in a folder of its own"
            raise AdminError(
                f"This folder was set up for the Worker {self.worker}, and wrangler's file names {worker}: {remedy}. Nothing was written."
            )
        for kind, mine, other in (("tenant", self.tenant, tenant), ("Cloudflare account", self.account, account)):
            if mine and other and mine.lower() != other.lower():
                raise AdminError(
                    f"{self.path} says that this folder was set up for the {kind} {mine}, and you are at {other}: "
                    "go to that one's folder, or sign in there."
                )
        self.tenant, self.account, self.worker = self.tenant or tenant, self.account or account, self.worker or worker

    def __contains__(self, key: str) -> bool:
        """Whether it was made here, or begun."""
        return key in self.entries

    def id(self, key: str) -> str:
        """The id of what was made, empty where it was not, or where nobody lived to write it down."""
        return self.entries.get(key, {}).get("id", "")

    def fact(self, key: str, name: str) -> str:
        """Another fact about what was made."""
        return self.entries.get(key, {}).get(name, "")

    @contextmanager
    def making(self, key: str, **facts: str) -> Iterator[None]:
        """Write down what is made within; after a refusal, by which it certainly was not, what is written there is as it was before."""
        before = self.entries.get(key)
        self.about_to_make(key, **facts)
        try:
            yield
        except Uncertain:
            raise
        except ServiceRefused:
            if before is None:
                self.forget(key)
            else:
                self.about_to_make(key, **before)
            raise

    def making_unless(self, whole: bool, key: str, **facts: str) -> AbstractContextManager[None]:
        """`making`, unless it goes with something `whole` that was made here, and with which it is taken away."""
        return nullcontext() if whole else self.making(key, **facts)

    def about_to_make(self, key: str, **facts: str) -> None:
        """Write down what is made next. Raises OSError."""
        self.entries[key] = facts
        self._save()

    def made(self, key: str, **facts: str) -> None:
        """Write down what was made, `id` among the facts. Raises OSError."""
        self.entries[key] = {**self.entries.get(key, {}), **facts}
        self._save()

    def rename(self, key: str, other: str) -> None:
        """Keep an entry under another key. Raises OSError."""
        self.entries[other] = self.entries.pop(key)
        self._save()

    def forget(self, key: str) -> None:
        """It is gone, or nobody's any more. The file goes with the last entry. Raises OSError."""
        if self.entries.pop(key, None) is not None:
            self._save()

    def _save(self) -> None:
        if not self.entries:
            self.path.unlink(missing_ok=True)
            return
        content = {"about": _ABOUT, "tenant": self.tenant, "account": self.account, "worker": self.worker, "made": self.entries}
        new = self.path.with_name(f"{self.path.name}.new")
        new.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
        new.replace(self.path)  # whole or not at all, wherever one is stopped
