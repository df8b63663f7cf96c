"""What Graph has told one tick, read off its answers as they arrived, independently of how the Worker reads them."""

import json
import re
from collections import Counter
from dataclasses import dataclass, field

from plan import RISK_LEVELS

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
        return min(self.reads_of[level] for level in RISK_LEVELS)

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
        for response in _objects(responses) if status in (200, 424) else ():
            page, url = response.get("body"), urls.get(str(response.get("id")))
            if url and response.get("status") == 200 and isinstance(page, dict) and isinstance(page.get("value"), list):
                self._page(url, _objects(page["value"]), last=page.get("@odata.nextLink") is None)

    def _page(self, url: str, entries: list[dict[str, object]], *, last: bool) -> None:
        if url.startswith("/identityProtection/riskyUsers"):
            self.reported |= {
                (str(entry.get("id")), str(entry.get("riskLevel"))) for entry in entries if entry.get("isDeleted") is not True
            }
            if last:
                self.reads_of.update(_LEVEL.findall(url))
        elif match := _MEMBERS.match(url):
            users = {str(entry.get("id")) for entry in entries if entry.get("@odata.type") == "#microsoft.graph.user"}
            self.members.setdefault(match[1], set()).update(users)
            if last:
                self.whole.add(match[1])


def _objects(values: object) -> list[dict[str, object]]:
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []
