"""Gateway rules, as far as they decide whether somebody at risk is isolated.

Do Not Inspect comes first and ends the matter; then Isolate and Do Not Isolate by precedence, the first match deciding
(https://developers.cloudflare.com/cloudflare-one/traffic-policies/order-of-enforcement/).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from risky_users.admin.expressions import conditional, lists, plain, quoted, without_exceptions
from risky_users.check.seen import Entry, at, number_at, text_at

NAMES = {"isolate": "Isolate", "noisolate": "Do Not Isolate", "off": "Do Not Inspect", "allow": "Allow", "block": "Block"}

_EVERYTHING = re.compile(r'http\.request\.(?:uri|host)matches"\^?\.\*\$?"')


@dataclass(frozen=True, slots=True)
class Marks:
    """By what a rule can know the users at a risk level: the list's id, the group's name and its id; each may be empty."""

    list_id: str = ""
    group_name: str = ""
    group_id: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One HTTP rule. Its expressions are plain."""

    name: str
    action: str
    enabled: bool
    precedence: int
    traffic: str
    identity: str
    posture: str
    trouble: str

    @property
    def called(self) -> str:
        """How to speak of it: `“VIP” (Do Not Isolate)`."""
        return f"“{self.name}” ({NAMES.get(self.action, self.action)})"

    @property
    def everywhere(self) -> bool:
        """Whether it holds for all traffic, from any device."""
        return not self.posture and (not self.traffic or _EVERYTHING.fullmatch(self.traffic) is not None)

    def by_list(self, marks: Marks) -> bool:
        """Whether it holds for whoever is on the list."""
        return marks.list_id.replace("-", "").lower() in lists(without_exceptions(self.identity))

    def by_group(self, marks: Marks) -> bool:
        """Whether it holds for the group's members."""
        return "identity.groups" in self.identity and not self._named().isdisjoint({marks.group_name, marks.group_id} - {""})

    def nearly_by_group(self, marks: Marks) -> bool:
        """Whether it names the group in other letters."""
        named = self._named()
        return marks.group_name not in named and marks.group_name.lower() in {each.lower() for each in named}

    @property
    def conditional(self) -> bool:
        """Whether it may ask for something else besides; exceptions in `not(…)` do not count."""
        return conditional(without_exceptions(self.identity))

    def covers(self, other: "Rule") -> bool:
        """Whether it holds, as far as can be told, wherever and for whomever the other one does."""
        of_all = not self.posture and not self.identity
        same_people = not self.posture and self.identity == other.identity
        return (of_all or same_people) and (self.everywhere or self.traffic == other.traffic)

    def _named(self) -> set[str]:
        return quoted(without_exceptions(self.identity))


def http_rules(entries: Iterable[Entry]) -> list[Rule]:
    """The HTTP rules, in the order in which they are looked at."""
    rules = [_rule(each) for each in entries if at(each, "filters") == ["http"] and not each.get("deleted_at")]
    return sorted(rules, key=lambda rule: (rule.action != "off", rule.precedence))


def before(rule: Rule, rules: Iterable[Rule]) -> list[Rule]:
    """Those in force that are looked at before this one and keep from isolation."""
    return [
        each
        for each in rules
        if each.enabled and (each.action == "off" or (each.action == "noisolate" and each.precedence < rule.precedence))
    ]


def acting(rules: Sequence[Rule], marks: Marks) -> Rule | None:
    """The rule that isolates whoever is marked so, one that goes by the list if there is any and then by nothing else, whatever may
    come before it."""
    isolating = [rule for rule in rules if rule.enabled and rule.action == "isolate"]
    by_list = [rule for rule in isolating if rule.by_list(marks)]
    found = by_list or [rule for rule in isolating if rule.by_group(marks)]
    return min(found, key=lambda rule: rule.conditional, default=None)


def hidden(rule: Rule, rules: Iterable[Rule]) -> Rule | None:
    """The rule before it, if there is one, that keeps everybody it is for from isolation."""
    return next((each for each in before(rule, rules) if each.covers(rule)), None)


def _rule(entry: Entry) -> Rule:
    traffic, identity, posture = (plain(text_at(entry, part)) for part in ("traffic", "identity", "device_posture"))
    name, action, trouble = (text_at(entry, part) for part in ("name", "action", "warning_status"))
    return Rule(name, action, entry.get("enabled") is True, number_at(entry, "precedence"), traffic, identity, posture, trouble)
