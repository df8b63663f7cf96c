"""Gateway rules (https://developers.cloudflare.com/api/resources/zero_trust/subresources/gateway/subresources/rules/).

Documented: the operations and members, unique precedence, the choice of one where none is given, that the API formats
expressions. Inferred: which codes refusals have, that `filters` follows from the action where it is left out.
"""

import re
from collections.abc import Iterator, Set
from dataclasses import replace

from simulator.cloudflare import expressions
from simulator.cloudflare.envelope import Answer, Refused
from simulator.cloudflare.service import Call, Service, flag, invalid, member, text
from simulator.cloudflare.state import Rule, edited
from simulator.messages import JSON
from simulator.stamps import stamp

ACTIONS = frozenset(
    {"on", "off", "allow", "block", "scan", "noscan", "safesearch", "ytrestricted", "isolate", "noisolate", "override", "l4_override"}
    | {"egress", "resolve", "quarantine", "redirect"}
)
FILTERS = frozenset({"http", "dns", "l4", "egress", "dns_resolver"})
NULLS = ("block_page", "block_reason", "notification_settings", "override_host", "override_ips", "payload_log", "untrusted_cert")
"""Some of the settings that come back null."""
MOST_RULES = 500
"""https://developers.cloudflare.com/cloudflare-one/account-limits/"""
LEAST_PRECEDENCE = 1000
"""Where the API begins to choose (https://developers.cloudflare.com/cloudflare-one/traffic-policies/order-of-enforcement/)."""

_ISOLATING = ("isolate", "noisolate")
_PATCHABLE = ("name", "description", "precedence", "enabled")


def list_rules(service: Service, call: Call, _: "re.Match[str]") -> Answer:
    """All of them, of every kind; there are no pages."""
    entries = [rule_entity(rule) for rule in service.state.rules.value.values()]
    return service.page(call, entries, MOST_RULES, MOST_RULES)


def create_rule(service: Service, call: Call, _: "re.Match[str]") -> Answer:
    """One that takes effect if `enabled` is sent."""
    return Answer(rule_entity(make_rule(service, call.object(), call.now)))


def make_rule(service: Service, body: dict[str, JSON], now: float) -> Rule:
    """A rule as the body describes it; raises Refused."""
    if len(service.state.rules.value) >= MOST_RULES:
        raise invalid(f"an account holds at most {MOST_RULES} rules")
    rule = _written(service, body, Rule(service.new_id(), "", "", False, (), 0, now, now), _free_precedence(service))
    service.state.put_rule(rule, now)
    return rule


def get_rule(service: Service, call: Call, match: "re.Match[str]") -> Answer:
    """By id."""
    return Answer(rule_entity(_found(service, match["rule"])))


def put_rule(service: Service, call: Call, match: "re.Match[str]") -> Answer:
    """Everything anew: what is left out is at its default, `enabled` too. The precedence stays, which is inferred."""
    former = _changeable(service, match["rule"])
    blank = Rule(former.id, "", "", False, (), 0, former.created, call.now, version=former.version + 1)
    return _put(service, call, _written(service, call.object(), blank, former.precedence))


def patch_rule(service: Service, call: Call, match: "re.Match[str]") -> Answer:
    """Name, description, precedence, enabled; newer than the SDKs, so that Behaviour decides whether it is there."""
    _patch_is_there(service)
    return _put(service, call, _patched(service, call, _changeable(service, match["rule"]), call.object()))


def patch_rules(service: Service, call: Call, _: "re.Match[str]") -> Answer:
    """The same for several at once, each with its id: all or none."""
    _patch_is_there(service)
    if not isinstance(call.body, list):
        raise invalid("the body must be an array")
    bodies = [each for each in call.body if isinstance(each, dict)]
    if len(bodies) < len(call.body):
        raise invalid("each rule must be an object")
    changing = {text(each, "id").lower() for each in bodies}
    changed = [_patched(service, call, _changeable(service, text(each, "id")), each, changing) for each in bodies]
    if len({rule.precedence for rule in changed}) < len(changed):
        raise _taken(service)
    return Answer([_put(service, call, rule).result for rule in changed])


def delete_rule(service: Service, call: Call, match: "re.Match[str]") -> Answer:
    """Gone at once; the lists it named are free."""
    service.state.drop_rule(_changeable(service, match["rule"]).id, call.now)
    return Answer({})


def rule_entity(rule: Rule) -> dict[str, JSON]:
    """A rule as it is read, with settings that are null because nobody set them."""
    return {
        "id": rule.id,
        "name": rule.name,
        "description": rule.description,
        "precedence": rule.precedence,
        "enabled": rule.enabled,
        "action": rule.action,
        "filters": list(rule.filters),
        "traffic": rule.traffic,
        "identity": rule.identity,
        "device_posture": rule.device_posture,
        "version": rule.version,
        "created_at": stamp(rule.created),
        "updated_at": stamp(rule.updated),
        "deleted_at": None,
        "warning_status": rule.warning,
        "read_only": rule.read_only,
        "sharable": False,
        "source_account": "",
        "schedule": None,
        "expiration": None,
        "rule_settings": {**dict.fromkeys(NULLS), "biso_admin_controls": None, **rule.settings},
    }


def _written(service: Service, body: dict[str, JSON], rule: Rule, precedence: int) -> Rule:
    """The rule that the body describes; raises Refused."""
    behaviour = service.behaviour
    name, action = text(body, "name"), text(body, "action")
    filters = body.get("filters") or ["http"]
    if action not in ACTIONS:
        raise invalid("action is not known")
    if not isinstance(filters, list) or len(filters) != 1 or filters[0] not in FILTERS:
        raise invalid("filters must hold one value")
    if action in _ISOLATING and filters != ["http"]:
        raise invalid("the action needs the filter http")
    if action in _ISOLATING and not service.state.browser_isolation:
        raise Refused(403, None, "browser isolation is not enabled for this account")
    parts = {part: text(body, part, "") for part in ("traffic", "identity", "device_posture")}
    warnings = [warning for part, expression in parts.items() for warning in _warnings(service, part, expression)]
    if warnings and behaviour.wrong_list == "refused":
        raise invalid(warnings[0])
    kept = {
        part: expressions.stored(each, drops_dashes=behaviour.drops_dashes, adds_parentheses=behaviour.adds_parentheses)
        for part, each in parts.items()
    }
    return replace(
        rule,
        name=name,
        action=action,
        enabled=flag(body, "enabled"),
        filters=tuple(str(each) for each in filters),
        precedence=_precedence(service, body, {rule.id}, precedence),
        description=text(body, "description", ""),
        settings=member(body, "rule_settings"),
        warning=warnings[0] if warnings else None,
        traffic=kept["traffic"],
        identity=kept["identity"],
        device_posture=kept["device_posture"],
    )


def _warnings(service: Service, part: str, expression: str) -> Iterator[str]:
    """What is wrong with the lists that an expression names; raises Refused where it is no expression, or stands in the wrong place."""
    parsed = expressions.parse(expression)
    if any(expressions.FIELDS[field] != part for field in parsed.fields):
        raise invalid(f"a field of the expression does not belong into {part}")
    for list_id, kind in parsed.lists:
        named = service.state.list_named_in_rule(list_id)
        if not named:
            yield "the expression names a list that does not exist"
        elif named.type != kind:
            yield f"the expression names a list of type {named.type} where {kind} is needed"


def _patched(service: Service, call: Call, rule: Rule, body: dict[str, JSON], changing: Set[str] = frozenset()) -> Rule:
    if strange := body.keys() - {*_PATCHABLE, "id"}:
        raise invalid(f"{min(strange)} cannot be patched")
    return edited(
        rule,
        call.now,
        name=text(body, "name", rule.name),
        description=text(body, "description", rule.description),
        enabled=flag(body, "enabled", default=rule.enabled),
        precedence=_precedence(service, body, changing | {rule.id}, rule.precedence),
    )


def _put(service: Service, call: Call, rule: Rule) -> Answer:
    service.state.put_rule(rule, call.now)
    return Answer(rule_entity(rule))


def _precedence(service: Service, body: dict[str, JSON], changing: Set[str], default: int) -> int:
    """The one asked for, which no rule has but those that are changing; raises Refused."""
    wanted = body.get("precedence", default)
    if not isinstance(wanted, int) or isinstance(wanted, bool) or wanted < 0:
        raise invalid("precedence must be an integer")
    if any(each.precedence == wanted and each.id not in changing for each in service.state.rules.value.values()):
        raise _taken(service)
    return wanted


def _taken(service: Service) -> Refused:
    return Refused(service.behaviour.precedence_taken, None, "precedence is already in use")


def _free_precedence(service: Service) -> int:
    """Above all others, by a random step of 1 to 100."""
    highest = max((rule.precedence for rule in service.state.rules.value.values()), default=0)
    return max(highest, LEAST_PRECEDENCE) + service.random.randint(1, 100)


def _found(service: Service, rule_id: str) -> Rule:
    rule = service.state.rules.value.get(rule_id.lower())
    if not rule:
        raise Refused(404, None, "invalid rule id")
    return rule


def _changeable(service: Service, rule_id: str) -> Rule:
    rule = _found(service, rule_id)
    if rule.read_only:
        raise Refused(403, None, "the rule is shared by another account and cannot be changed")
    return rule


def _patch_is_there(service: Service) -> None:
    if service.behaviour.rule_patch == 404:
        raise Refused(404, 7000, "No route for that URI")
    if service.behaviour.rule_patch == 405:
        raise Refused(405, 10405, "Method not allowed for this endpoint")
