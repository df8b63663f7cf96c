"""The Gateway rules that isolate, one a level: found, made, written anew when asked, taken away."""

from dataclasses import dataclass, replace

from plan import RISK_LEVELS
from risky_users.admin import isolation
from risky_users.admin.cloudflare import Cloudflare, gone
from risky_users.admin.errors import AdminError, ServiceRefused, Uncertain
from risky_users.admin.isolation import Choices, Rule
from risky_users.setup.gateway_lists import MARK, Lists
from risky_users.setup.ledger import Ledger
from risky_users.setup.steps import Finding, left_alone, there, to_do
from text import JSON

TRIES = 3
"""How often a precedence is looked for that nobody takes meanwhile."""
_EVERYWHERE = "everywhere"


@dataclass(frozen=True, slots=True)
class Rules:
    """An account's rules, as far as a Worker's are concerned."""

    cloudflare: Cloudflare
    ledger: Ledger
    worker: str
    lists: Lists
    choices: Choices
    rewrite: bool = False

    def look(self, level: str) -> Finding:
        """How it is with a level's rule. Raises AdminError."""
        rules, list_id = self.read(), self.lists.id(level)
        own = self._own(rules, level)
        if own:
            return self._compared(own, rules, level, list_id)
        theirs = [str(rule.get("name")) for rule in rules if list_id and isolation.isolates(rule, list_id)]
        if theirs:
            return left_alone(f"{theirs[0]}, which was not made here, isolates those on the list already.")
        behind = [_called(rule) for rule in rules if rule.get("action") == "noisolate" and rule.get("enabled") is True]
        before = f" It goes before Do Not Isolate {', '.join(behind)}, which will not spare risky users any more." if behind else ""
        return to_do(f"isolate {self._described(level)}.{before}{_bypasses(rules)}")

    def write(self, level: str) -> str:
        """Make it, or write it anew. Raises AdminError."""
        choices, list_id = self._chosen(level), self.lists.id(level)
        if not list_id:
            raise AdminError(f"The list for {level} risk is gone: run this again, which makes it first.")
        self.ledger.made(f"rule-{level}", **_noted(choices))
        own = self._own(self.read(), level)
        rule = self._put(own, level, list_id) if own else self._post(level, list_id)
        self.ledger.made(f"rule-{level}", id=str(rule.get("id")))
        return f"{'wrote anew' if own else 'made'} {rule.get('name')} ({rule.get('id')}), precedence {isolation.precedence(rule)}."

    def look_for(self, level: str) -> Finding:
        """Whether there is something to take away. Raises AdminError."""
        made = self.made(level)
        return to_do(f"delete {', '.join(map(_called, made))}.") if made else there("none of setup's.")

    def delete(self, level: str) -> str:
        """Take them away; what is gone already is gone. Raises AdminError."""
        made = self.made(level)
        for rule in made:
            try:
                self.cloudflare.send("DELETE", f"/gateway/rules/{rule.get('id')}", f"delete the rule {rule.get('name')}")
            except ServiceRefused as refused:
                still_there = isinstance(refused, Uncertain) and any(each.get("id") == rule.get("id") for each in self.read())
                if still_there or not (gone(refused) or isinstance(refused, Uncertain)):
                    raise
        self.ledger.forget(f"rule-{level}")
        return f"deleted {', '.join(map(_called, made))}."

    def made(self, level: str) -> list[Rule]:
        """Those that were made here, one unless somebody was stopped at a bad moment. Raises AdminError."""
        return [rule for rule in self.read() if self.is_own(rule, level)]

    def read(self) -> list[Rule]:
        """All rules, of every kind. Raises AdminError."""
        return [*self.cloudflare.all("/gateway/rules", "read the Gateway rules")]

    def name(self, level: str) -> str:
        """What a level's rule is called."""
        return f"{self.worker}: isolate {level}"

    # --- one rule ---

    def _own(self, rules: list[Rule], level: str) -> Rule | None:
        return next((rule for rule in rules if self.is_own(rule, level)), None)

    def is_own(self, rule: Rule, level: str) -> bool:
        """Whether a rule was made here for this level."""
        marked = str(rule.get("description")).startswith(MARK) and rule.get("name") == self.name(level)
        return marked or rule.get("id") == (self.ledger.id(f"rule-{level}") or None)

    def _compared(self, own: Rule, rules: list[Rule], level: str, list_id: str) -> Finding:
        differs = isolation.differences(own, isolation.wanted(list_id, level, self._chosen(level)))
        in_the_way = isolation.obstacles(own, rules)
        if in_the_way:
            differs.append(f"Do Not Isolate {', '.join(map(_called, in_the_way))} comes first and spares everybody")
        if isinstance(warning := own.get("warning_status"), str) and warning:
            differs.append(f'Cloudflare warns "{warning}"')
        if not differs:
            return there(f"{_called(own)} isolates {self._described(level)}.{_bypasses(rules)}")
        if self.rewrite:
            return to_do(f"write {_called(own)} anew: {'; '.join(differs)}.")
        if self._as_made_for_another_list(own, level, list_id):
            return to_do(f"write {_called(own)} anew, for the list that it looks into is gone.")
        return left_alone(f"{_called(own)} differs: {'; '.join(differs)}. With --rewrite it is written anew.")

    def _as_made_for_another_list(self, own: Rule, level: str, list_id: str) -> bool:
        """Whether it is as it was made, for the list before this one."""
        former = {self.ledger.id(f"list-{level}"), self.ledger.fact(f"list-{level}", "former")} - {"", list_id}
        return any(not isolation.differences(own, isolation.wanted(each, level, self._chosen(level))) for each in former)

    def _post(self, level: str, list_id: str) -> Rule:
        for _ in range(TRIES):
            rules = self.read()
            number = self._place(rules, level)
            body = {**self._body(level, list_id), "precedence": number}
            try:
                return self.cloudflare.send("POST", "/gateway/rules", f"make the rule {self.name(level)}", body)
            except Uncertain:
                made = self._own(self.read(), level)
                if made is None:
                    raise
                return made
            except ServiceRefused as refused:
                if "isolation" in refused.answer.message.lower():
                    raise AdminError(
                        f"{refused} Isolating takes the add-on Browser Isolation: have it added to the account, then run this again."
                    ) from refused
                if not any(isolation.precedence(rule) == number for rule in self.read()):
                    raise
        raise AdminError(f"Could not make the rule {self.name(level)}: each precedence was taken while it was made. Run this again.")

    def _put(self, own: Rule, level: str, list_id: str) -> Rule:
        """A PUT replaces everything, so that all else comes along as it was read."""
        rules = self.read()
        number = (
            self._place([rule for rule in rules if rule is not own], level)
            if isolation.obstacles(own, rules)
            else isolation.precedence(own)
        )
        settings = own.get("rule_settings")
        kept = {name: value for name, value in settings.items() if value is not None} if isinstance(settings, dict) else {}
        body = self._body(level, list_id)
        controls = body["rule_settings"]
        body["rule_settings"] = {**kept, **(controls if isinstance(controls, dict) else {})}
        path, what = f"/gateway/rules/{own.get('id')}", f"write the rule {own.get('name')} anew"
        return self.cloudflare.send("PUT", path, what, {**body, "name": str(own.get("name")), "precedence": number})

    def _body(self, level: str, list_id: str) -> dict[str, JSON]:
        description = f"{MARK}: users at {level} risk, on a list that the Worker {self.worker} keeps."
        return {"name": self.name(level), "description": description, **isolation.wanted(list_id, level, self._chosen(level))}

    def _place(self, rules: list[Rule], level: str) -> int:
        own = {each: rule for each in RISK_LEVELS if each != level and (rule := self._own(rules, each))}
        lacking = [each for each in self.choices.levels if each not in own]
        number = isolation.places(rules, own, lacking).get(level)
        if number is None:
            first = min((rule for rule in rules if rule.get("action") in ("isolate", "noisolate")), key=isolation.precedence)
            raise AdminError(f"No precedence is free before {_called(first)}: give that rule a higher one, then run this again.")
        return number

    def _chosen(self, level: str) -> Choices:
        """What is asked for, and where nothing is, what was asked for when the rule was made."""
        fact = {name: self.ledger.fact(f"rule-{level}", name) for name in ("domains", "clipboard", "download", "group")}
        domains = () if fact["domains"] == _EVERYWHERE else tuple(fact["domains"].split())
        given = self.choices
        return replace(
            given,
            domains=domains if given.domains is None else given.domains,
            clipboard=given.clipboard or fact["clipboard"] or isolation.CLIPBOARD[0],
            download=given.download or fact["download"] or isolation.CLIPBOARD[0],
            group_too=fact["group"] == "too" if given.group_too is None else given.group_too,
        )

    def _described(self, level: str) -> str:
        choices = self._chosen(level)
        where = f"on {', '.join(choices.domains)}" if choices.domains else _EVERYWHERE
        whom = "on the list or in the group" if choices.group_too else "on the list"
        return f"who is {whom} at {level} risk, {where}; clipboard {choices.clipboard}, downloads {choices.download}"


def _called(rule: Rule) -> str:
    return f"{rule.get('name')} ({isolation.precedence(rule)})"


def _bypasses(rules: list[Rule]) -> str:
    off = [str(rule.get("name")) for rule in rules if rule.get("action") == "off" and rule.get("enabled") is True]
    return f" Do Not Inspect {', '.join(off)} comes before all isolation." if off else ""


def _noted(choices: Choices) -> dict[str, str]:
    return {
        "domains": " ".join(choices.domains or ()) or _EVERYWHERE,
        "clipboard": choices.clipboard or "",
        "download": choices.download or "",
        "group": "too" if choices.group_too else "",
    }
