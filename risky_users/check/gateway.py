"""Cloudflare's end of the chain: what SCIM brings, the rule that isolates each level, and TLS decryption."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from groups import GROUP_NAMES
from plan import RISK_LEVELS
from risky_users.check.account import Gateway
from risky_users.check.findings import Finding, failed, ok, skipped, warning
from risky_users.check.rules import Marks, Rule, acting, before, hidden, http_rules
from risky_users.check.seen import Entry, Seen, Unseen, at, clock_time, listed, text_at, time_at
from settings import GatewaySettings
from text import counted

_RULES = {f"{level}Rule": f"Rule {level}" for level in RISK_LEVELS}
LINKS = {"scim": "SCIM settings", "arrival": "Arrival", **_RULES, "tlsDecryption": "TLS decryption"}

_PROVIDERS = "Integrations > Identity providers in the Cloudflare dashboard"
_WHERE_SCIM = f"{_PROVIDERS}, in the Entra one"
_MAKE = "make one with `risky-users setup gateway`, or as docs/setup.md says"


def scim(provider: Seen[Entry | None], *, lists: bool) -> Finding:
    """The settings of the identity provider; `lists`: the direct lane isolates without them."""
    check = "scim"
    if isinstance(provider, Unseen):
        return skipped([check], provider.why)[0]
    broken = warning if lists else failed
    if provider is None:
        return broken(
            check, f"the account has no identity provider of Microsoft Entra, by which groups would come: add one under {_PROVIDERS}."
        )
    behaviour = text_at(provider, "scim_config", "identity_update_behavior") or "no_action"
    if at(provider, "scim_config", "enabled") is not True:
        return broken(check, f"SCIM is off, so no group comes from Entra: enable it under {_WHERE_SCIM}, and give Entra its new secret.")
    if behaviour == "no_action":
        return broken(
            check,
            f"the identity update behavior is no_action, so groups that come change nothing: choose automatic under {_WHERE_SCIM}.",
        )
    if behaviour != "automatic":
        return warning(
            check,
            f"the identity update behavior is {behaviour}, so isolation waits for the next login: choose automatic under {_WHERE_SCIM}.",
        )
    return ok(check, "on; a change of groups acts on running sessions.")


def arrival(gateway: Gateway, groups: Mapping[str, str], *, expected: bool) -> Finding:
    """Whether the groups are there; `expected`: a provisioning cycle has been good."""
    check, arrived = "arrival", gateway.arrived
    if isinstance(arrived, Unseen):
        return skipped([check], arrived.why)[0]
    ids = {text_at(each, "externalId").lower() for each in arrived}
    missing = [level for level, group in groups.items() if group not in ids]
    if missing and expected:
        why = f"the group of {listed(missing)} risk has not arrived, although provisioning runs"
        return failed(check, f"{why}: look at the provisioning log of the SCIM application.")
    if missing:
        return warning(check, f"the group of {listed(missing)} risk has not arrived yet.")
    refused = [] if isinstance(gateway.refused, Unseen) else gateway.refused
    if refused:
        last = max((time for each in refused if (time := time_at(each, "logged_at"))), default=None)
        when = f", the last at {clock_time(last)}" if last else ""
        return warning(
            check,
            f"all groups are there, and Cloudflare refused {counted(len(refused), 'change')} in a day{when}: see Logs > SCIM provisioning.",
        )
    changed = max((time for each in arrived if (time := time_at(each, "meta", "lastModified"))), default=None)
    return ok(check, f"all groups are there{f', last changed at {clock_time(changed)}' if changed else ''}.")


def rules(gateway: Gateway, lane: GatewaySettings | None, groups: Mapping[str, str], broken: Collection[str] = ()) -> Iterator[Finding]:
    """A rule for each level that isolates whoever is at it."""
    if isinstance(gateway.rules, Unseen):
        yield from skipped(_RULES, gateway.rules.why)
        return
    known, told = http_rules(gateway.rules), set[str]()
    for level, name in GROUP_NAMES.items():
        marks = Marks(lane.lists.get(level, "") if lane else "", name, groups.get(level, ""))
        rule = acting(known, marks)
        other = hidden(rule, known) if rule else None
        if level in broken and not rule:
            yield from skipped([f"{level}Rule"], "not checked: the list must be right first.")
        elif other and other.called in told:
            yield from skipped([f"{level}Rule"], f"{other.called} keeps everybody it is for from isolation, too.")
        elif rule and other:
            told.add(other.called)
            yield _in_the_way(level, rule, other)
        elif rule:
            yield _rule(level, marks, rule, known)
        else:
            yield _without_rule(level, marks, known)


def _in_the_way(level: str, rule: Rule, other: Rule) -> Finding:
    remedy = "narrow it" if other.action == "off" else "give the isolating rule the lower precedence"
    why = f"{other.called} comes before “{rule.name}” and keeps everybody it is for from isolation"
    return failed(f"{level}Rule", f"{why}: {remedy}.")


def _rule(level: str, marks: Marks, rule: Rule, known: Sequence[Rule]) -> Finding:
    check = f"{level}Rule"
    if rule.trouble:
        return failed(check, f"Cloudflare marks {rule.called}: {rule.trouble.rstrip('.')}. Correct its expression.")
    if marks.list_id and not rule.by_list(marks):
        remedy = f"add `identity.email in ${marks.list_id}`"
        return warning(check, f"“{rule.name}” goes by the group alone, so isolation waits for provisioning: {remedy}.")
    if rule.conditional:
        return warning(check, f"“{rule.name}” asks for something else besides: who does not meet that, too, is not isolated by it.")
    where = "isolates all browsing" if rule.everywhere else "isolates a part of browsing"
    by = listed(["list"] * rule.by_list(marks) + ["group"] * rule.by_group(marks))
    first = before(rule, known)
    except_for = f"; {listed([each.called for each in first])} may come first" if first else ""
    return ok(check, f"“{rule.name}” {where}, by {by}{except_for}.")


def _without_rule(level: str, marks: Marks, known: Sequence[Rule]) -> Finding:
    """No rule in force isolates; some that name the level may do something else. Who gives a level below high no list may mean that."""
    check, naming = f"{level}Rule", [rule for rule in known if rule.by_list(marks) or rule.by_group(marks)]
    if off := [rule for rule in naming if rule.action == "isolate"]:
        return failed(check, f"“{off[0].name}” is there and switched off: enable it.")
    if naming:
        return failed(check, f"{naming[0].called} is for users at {level} risk and does not isolate them: give it the action Isolate.")
    if near := [rule for rule in known if rule.nearly_by_group(marks)]:
        return failed(check, f"“{near[0].name}” names the group in other letters, which do count: write {marks.group_name}.")
    if level != "high" and not marks.list_id:
        return skipped([check], "no rule isolates users at this level; where that is wanted, `risky-users setup gateway` makes one.")[0]
    return failed(check, f"no rule isolates users at {level} risk: {_MAKE}.")


def tls_decryption(gateway: Gateway) -> Finding:
    """Without it nothing is isolated."""
    check, configuration = "tlsDecryption", gateway.configuration
    if isinstance(configuration, Unseen):
        return skipped([check], configuration.why)[0]
    if at(configuration, "settings", "tls_decrypt", "enabled") is not True:
        remedy = "once the devices trust the root certificate, switch it on under Traffic policies > Traffic settings"
        return failed(check, f"off, so that no page can be isolated: {remedy}.")
    everywhere = at(configuration, "settings", "extended_email_matching", "enabled") is True
    variants = "; addresses match with their dot and plus variants in all rules" if everywhere else ""
    return ok(check, f"on{variants}.")
