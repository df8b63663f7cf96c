"""What Graph has told one tick, read off its answers as they arrived, independently of how the Worker reads them."""

import json
import re
from collections import Counter
from dataclasses import dataclass, field

from plan import LEVELS

_LEVEL = re.compile(r"%27(high|medium|low)%27")
_MEMBERS = re.compile(r"/groups/([0-9a-f-]{36})/members\?")


@dataclass
class Heard:
    """`reported` are pairs of user and level, `members` the users listed in each group, `whole` the groups read to the end."""

    reported: set[tuple[str, str]] = field(default_factory=set)
    members: dict[str, set[str]] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)
    reads_of: Counter[str] = field(default_factory=Counter)
    """How often each level's users were read to the end."""

    def levels(self, user: str) -> set[str]:
        """The levels that were reported for a user."""
        return {level for each, level in self.reported if each == user}

    @property
    def risk_reads(self) -> int:
        """How often all risky users were read to the end."""
        return min(self.reads_of[level] for level in LEVELS)

    @property
    def all_risk(self) -> bool:
        """Whether all risky users were read to the end."""
        return self.risk_reads > 0

    def answer(self, request: str, status: int, body: str) -> None:
        """Take note of what a batch was answered."""
        try:
            urls = {item["id"]: item["url"] for item in json.loads(request)["requests"]}
            responses = json.loads(body)["responses"]
        except (ValueError, TypeError, KeyError):
            return
        for response in responses if status in (200, 424) else ():
            page = response.get("body")
            if response["status"] == 200 and isinstance(page, dict) and isinstance(page.get("value"), list):
                self._page(urls[response["id"]], page["value"], last="@odata.nextLink" not in page)

    def _page(self, url: str, entries: list[dict[str, str]], *, last: bool) -> None:
        if url.startswith("/identityProtection/riskyUsers"):
            self.reported |= {(entry["id"], entry["riskLevel"]) for entry in entries}
            if last:
                self.reads_of.update(_LEVEL.findall(url))
        elif match := _MEMBERS.match(url):
            group = match[1]
            self.members.setdefault(group, set()).update(e["id"] for e in entries if e["@odata.type"] == "#microsoft.graph.user")
            if last:
                self.whole.add(group)
