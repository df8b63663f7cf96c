"""The data plane: what Gateway decides for a person's page load.

Do Not Inspect (`off`) comes first and bypasses all else; then Isolate and Do Not Isolate, then Allow and Block, each by precedence,
the first match deciding (https://developers.cloudflare.com/cloudflare-one/traffic-policies/order-of-enforcement/). What needs the
request's inside needs TLS decryption, isolation among it (https://developers.cloudflare.com/cloudflare-one/remote-browser-isolation/).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from simulator.cloudflare import expressions
from simulator.cloudflare.behaviour import Behaviour
from simulator.cloudflare.configuration import enabled
from simulator.cloudflare.state import Person, Rule, State

_WORDS = {"isolate": "Isolate", "noisolate": "Do Not Isolate", "allow": "Allow", "block": "Block", "off": "Do Not Inspect"}


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a page load, by which rule; `reason` says it in words. What is isolated may be blocked too, inside."""

    isolated: bool
    blocked: bool
    rule: Rule | None
    reason: str


def decide(state: State, behaviour: Behaviour, person: Person, url: str, now: float) -> Decision:
    """Gateway's decision, on what it knew `enforcement_seconds` ago and the identity that it holds now."""
    time = now - behaviour.enforcement_seconds
    settings = state.settings.at(time)
    if not person.enrolled:
        return Decision(False, False, None, "no client is registered")
    if not enabled(settings, "tls_decrypt"):
        return Decision(False, False, None, "TLS decryption is off")
    everywhere = enabled(settings, "extended_email_matching")
    rules = sorted(state.rules.at(time).values(), key=lambda rule: rule.precedence)
    traffic = _traffic(person, url)

    def first(*actions: str) -> Rule | None:
        for rule in rules:
            if rule.enabled and rule.filters == ("http",) and rule.action in actions:
                variants = everywhere or (rule.action == "isolate" and behaviour.isolate_matches_variants)
                if _holds(rule, traffic, state, behaviour, time, variants=variants):
                    return rule
        return None

    if bypass := first("off"):
        return Decision(False, False, bypass, _WORDS[bypass.action])
    isolation, verdict = first("isolate", "noisolate"), first("allow", "block")
    isolated = isolation is not None and isolation.action == "isolate"
    blocked = verdict is not None and verdict.action == "block"
    rule = verdict if blocked and not isolated else isolation or verdict
    return Decision(isolated, blocked, rule, _WORDS[rule.action] if rule else "no rule matches")


def _traffic(person: Person, url: str) -> dict[str, Sequence[str]]:
    host = urlsplit(url).hostname or ""
    labels = host.split(".")
    return {
        "identity.email": (person.email,),
        "identity.groups.name": person.groups,
        "identity.groups.id": person.group_ids,
        "http.request.uri": (url,),
        "http.request.host": (host,),
        "http.request.domains": [".".join(labels[start:]) for start in range(len(labels) - 1)],
        "device_posture.checks.passed": person.posture,
    }


def _holds(rule: Rule, traffic: dict[str, Sequence[str]], state: State, behaviour: Behaviour, time: float, *, variants: bool) -> bool:
    folded = behaviour.email_case == "ignored"

    def form(address: str) -> str:
        return _form(address, folded=folded, variants=variants)

    def in_list(list_id: str, value: str) -> bool:
        named = state.list_named_in_rule(list_id)
        stored = tuple(item.value for item in named.contents.at(time).items.values()) if named else ()
        if named and named.type == "EMAIL":
            return form(value) in _forms(stored, folded=folded, variants=variants)
        return value in stored

    facts = expressions.Facts(traffic, in_list, lambda one, other: form(one) == form(other))
    return all(expressions.parse(each).holds(facts) for each in (rule.traffic, rule.identity, rule.device_posture))


@lru_cache(maxsize=100)
def _forms(addresses: tuple[str, ...], *, folded: bool, variants: bool) -> frozenset[str]:
    """Those of a list, which many people are compared with before it changes."""
    return frozenset(_form(address, folded=folded, variants=variants) for address in addresses)


def _form(address: str, *, folded: bool, variants: bool) -> str:
    """What of an address is compared: with `variants` its local part without dots and what follows a plus."""
    if folded:
        address = address.lower()
    if variants:
        local, at, domain = address.rpartition("@")
        address = local.partition("+")[0].replace(".", "") + at + domain
    return address
