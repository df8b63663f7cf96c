"""What a Gateway rule looks like that isolates a level's risky users, and what an account's rules make of it.

Rules of Isolate and Do Not Isolate are gone through together, the lower precedence first, and the first that matches decides
(https://developers.cloudflare.com/cloudflare-one/traffic-policies/order-of-enforcement/).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from groups import GROUP_NAMES
from plan import RISK_LEVELS
from risky_users.admin.expressions import lists, plain
from text import JSON

Rule: TypeAlias = Mapping[str, JSON]
"""As Cloudflare's API has it."""

EVERYTHING = 'http.request.host matches ".*"'
"""https://developers.cloudflare.com/cloudflare-one/remote-browser-isolation/isolation-policies/"""
CLIPBOARD = ("remote_only", "disabled", "enabled")
"""For copy, paste and downloads: kept within the remote browser, switched off, or free."""
FIRST_PRECEDENCE = 1000
STEP = 10

_CATCH_ALL = ("", EVERYTHING.replace(" ", ""), 'http.request.urimatches".*"')
_DOMAIN = re.compile(r"(?!-)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Choices:
    """How risky users are isolated: on which domains (none: everywhere), with what of clipboard and downloads, and whether the
    Entra group isolates as well as the list, which is safer to begin with and slower to end. What is not said is None, or no level."""

    levels: tuple[str, ...] = ()
    domains: tuple[str, ...] | None = None
    clipboard: str | None = None
    download: str | None = None
    group_too: bool | None = None

    def problems(self) -> list[str]:
        """What cannot be meant."""
        wrong = [
            f"There is no risk level {level}: levels are {', '.join(RISK_LEVELS)}." for level in self.levels if level not in RISK_LEVELS
        ]
        wrong += [
            f"{each!r} is no domain: write it as example.com, which covers all hosts below it."
            for each in self.domains or ()
            if not _DOMAIN.fullmatch(each)
        ]
        for name, value in (("clipboard", self.clipboard), ("downloads", self.download)):
            if value not in (None, *CLIPBOARD):
                wrong.append(f"{value!r} is nothing that can be done with {name}: choose one of {', '.join(CLIPBOARD)}.")
        return wrong


def wanted(list_id: str, level: str, choices: Choices) -> dict[str, JSON]:
    """The members of a rule that decide what it does."""
    identity = f"identity.email in ${list_id}"
    if choices.group_too:
        identity += f' or any(identity.groups.name[*] in {{"{GROUP_NAMES[level]}"}})'
    controls: dict[str, JSON] = {
        "version": "v2",
        **dict.fromkeys(("copy", "paste"), choices.clipboard or CLIPBOARD[0]),
        "download": choices.download or CLIPBOARD[0],
        "upload": "disabled",
        "keyboard": "enabled",
        "printing": "disabled",
    }
    domains = " ".join(f'"{each}"' for each in choices.domains or ())
    return {
        "enabled": True,
        "action": "isolate",
        "filters": ["http"],
        "traffic": f"any(http.request.domains[*] in {{{domains}}})" if domains else EVERYTHING,
        "identity": identity,
        "device_posture": "",
        "rule_settings": {"biso_admin_controls": controls},
    }


def differences(rule: Rule, want: Rule) -> list[str]:
    """In what a rule does not do what is wanted, a few words each. What the API has written in its own way is the same."""
    found = []
    if rule.get("action") != want["action"]:
        found.append(f"its action is {rule.get('action')}")
    if rule.get("enabled") is not True:
        found.append("it is switched off")
    parts = {"traffic": "where it applies", "identity": "whom it applies to", "device_posture": "which devices it asks for"}
    found += [f"{words} differs" for part, words in parts.items() if plain(rule.get(part)) != plain(want[part])]
    controls, wanted_controls = _controls(rule), _controls(want)
    return found + [
        f"{name} is {controls.get(name)}, not {value}" for name, value in wanted_controls.items() if controls.get(name) != value
    ]


def names(rule: Rule, list_id: str) -> bool:
    """Whether a rule looks into the list, whoever made it."""
    return list_id.replace("-", "").lower() in lists(f"{rule.get('identity')} {rule.get('traffic')}")


def isolates(rule: Rule, list_id: str) -> bool:
    """Whether a rule isolates those on the list, wherever it applies."""
    return rule.get("action") == "isolate" and rule.get("enabled") is True and names(rule, list_id)


def precedence(rule: Rule) -> int:
    """Its place in the order."""
    number = rule.get("precedence")
    return number if isinstance(number, int) else 0


def obstacles(rule: Rule, rules: Sequence[Rule]) -> list[Rule]:
    """Rules of Do Not Isolate that come before this one and match all that it matches, so that it never isolates anybody."""
    return [each for each in _before(rule, rules, "noisolate") if _covers(each, rule)]


def exceptions(rule: Rule, rules: Sequence[Rule]) -> list[Rule]:
    """Rules that may take something out of this one's reach: Do Not Isolate before it, and Do Not Inspect wherever it stands."""
    bypasses = [each for each in rules if _acts(each) and each.get("action") == "off"]
    return bypasses + [each for each in _before(rule, rules, "noisolate") if not _covers(each, rule)]


def places(rules: Sequence[Rule], own: Mapping[str, Rule], levels: Sequence[str]) -> dict[str, int]:
    """Free precedences for the rules that these levels lack: before everybody else's rules of Isolate and Do Not Isolate, high
    first. A level for which no number is free there is missing. `own` are the rules there are, by level."""
    mine = {str(rule.get("id")) for rule in own.values()}
    others = [precedence(rule) for rule in rules if rule.get("action") in ("isolate", "noisolate") and str(rule.get("id")) not in mine]
    taken = {precedence(rule) for rule in rules}
    above = min(others, default=FIRST_PRECEDENCE + STEP * (len(RISK_LEVELS) + 1))
    found: dict[str, int] = {}
    for level in reversed(RISK_LEVELS):
        if level in own:
            above = min(above, precedence(own[level]))
        elif level in levels:
            below = max((precedence(own[each]) for each in RISK_LEVELS[: RISK_LEVELS.index(level)] if each in own), default=0)
            start = above - STEP if above - STEP > below else above - 1
            number = next((each for each in range(start, below, -1) if each not in taken), None)
            if number is not None:
                found[level] = above = number
                taken.add(number)
    return found


def _before(rule: Rule, rules: Sequence[Rule], action: str) -> list[Rule]:
    return [each for each in rules if _acts(each) and each.get("action") == action and precedence(each) < precedence(rule)]


def _acts(rule: Rule) -> bool:
    return rule.get("enabled") is True and rule.get("filters") == ["http"]


def _covers(other: Rule, rule: Rule) -> bool:
    """Whether all that the rule matches is certain to match the other one."""
    parts = {part: (plain(other.get(part)), plain(rule.get(part))) for part in ("traffic", "identity", "device_posture")}
    return all(theirs == ours or theirs in _CATCH_ALL for theirs, ours in parts.values())


def _controls(rule: Rule) -> Rule:
    settings = rule.get("rule_settings")
    controls = settings.get("biso_admin_controls") if isinstance(settings, dict) else None
    return controls if isinstance(controls, dict) else {}
