"""The Zero Trust lists of type EMAIL, one a level, which the Worker fills: found, made, taken away.

Names are unique for nobody, and an answer shows only lists that the token may see
(https://developers.cloudflare.com/cloudflare-one/reusable-components/lists/): what is not shown may be there all the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from risky_users.admin import isolation
from risky_users.admin.asking import Held, patiently
from risky_users.admin.cloudflare import Cloudflare, Entity, gone
from risky_users.admin.errors import AdminError, Answer, ServiceRefused, Uncertain
from risky_users.setup.configuration import WranglerFile
from risky_users.setup.ledger import Ledger
from risky_users.setup.steps import Finding, left_alone, there, to_do
from settings import LIST_VARIABLES
from text import JSON

MARK = "Made by risky-users setup"
YOUNG_SECONDS = 60.0
"""How long after it was made a list may not show: nothing is documented, and read replicas are nowhere ruled out."""
_KIND = "EMAIL"
_READ = "read the Zero Trust lists"


@dataclass(frozen=True, slots=True)
class Lists:
    """An account's lists, as far as a Worker's are concerned; wrangler's file may name some."""

    cloudflare: Cloudflare
    ledger: Ledger
    worker: str
    file: WranglerFile

    def look(self, level: str) -> Finding:
        """How it is with a level's list. Raises AdminError."""
        found = self.find(level)
        if found is None:
            return to_do(f"make the list {self.name(level)} of type EMAIL, which the Worker fills.")
        return there(f"{found.get('name')} ({found.get('id')}), {_size(found)} entries.")

    def make(self, level: str) -> str:
        """Make it. Raises AdminError."""
        name, key = self.name(level), f"list-{level}"
        made = self._appeared(level) if self._is_young(level) else None  # begun by whoever was stopped a moment ago
        if made is None:
            self.ledger.about_to_make(key, name=name, former=self.ledger.id(key), begun=f"{self.cloudflare.machine.now():.0f}")
            made = self._made(level, name)
        list_id = str(made.get("id"))
        self.ledger.made(key, id=list_id)
        return f"made {name} ({list_id})."

    def _made(self, level: str, name: str) -> Entity:
        body: JSON = {"name": name, "type": _KIND, "description": f"{MARK}. The Worker {self.worker} keeps it: do not edit."}
        try:
            return self.cloudflare.send("POST", "/gateway/lists", f"make the list {name}", body)
        except Uncertain:
            made = self._appeared(level)
            if made is None:
                raise
            return made

    def _appeared(self, level: str) -> Entity | None:
        """A list that may have been made a moment ago, once it shows; None where it does not for long enough."""

        def attempt() -> Entity:
            if found := self.find(level):
                return found
            nothing = Uncertain(f"Could not find the list {self.name(level)}", Answer(0))
            raise Held(nothing, "a list that was made a moment ago may not show yet")

        try:
            return patiently(self.cloudflare.machine, attempt, YOUNG_SECONDS)
        except Uncertain:
            return None

    def _is_young(self, level: str) -> bool:
        """Whether it was begun so recently that it may exist and not show."""
        begun = self.ledger.fact(f"list-{level}", "begun")
        return bool(begun) and self.cloudflare.machine.now() < float(begun) + YOUNG_SECONDS

    def id(self, level: str) -> str:
        """The id of a level's list, empty where there is none. Raises AdminError."""
        found = self.find(level)
        return str(found.get("id")) if found else ""

    def name(self, level: str) -> str:
        """What a level's list is called."""
        return f"{self.worker}-{level}"

    def find(self, level: str) -> Entity | None:
        """A level's list: the one that the variable names, else the one made here. Raises AdminError where that is not clear."""
        lists = self.cloudflare.all("/gateway/lists", _READ)
        variable, made = self.file.variables.get(LIST_VARIABLES[level], ""), self.ledger.id(f"list-{level}")
        if variable and (found := self._by_id(variable, lists)):
            return _of_addresses(found)
        if variable and variable not in (made, self.ledger.fact(f"list-{level}", "former")):
            raise AdminError(
                f"{LIST_VARIABLES[level]} names the list {variable}, which is not there: correct the variable, or take it out."
            )
        if made and (found := self._by_id(made, lists)):
            return _of_addresses(found)
        if made and self._is_young(level):
            return {"id": made, "name": self.name(level), "type": _KIND}
        named = [each for each in lists if each.get("name") == self.name(level)]
        marked = sorted(filter(_marked, named), key=lambda each: str(each.get("created_at")))
        if named and not marked:
            raise AdminError(
                f"There is a list {self.name(level)} already that was not made here. The Worker would take everybody off it who is not "
                f"at risk: rename it, or, if that is what you want, put its id into {LIST_VARIABLES[level]}."
            )
        return _of_addresses(marked[0]) if marked else None

    def made(self, *levels: str) -> list[Entity]:
        """Those that were made here, one a level unless somebody was stopped at a bad moment. Raises AdminError."""
        ids, names = {self.ledger.id(f"list-{level}") for level in levels}, {self.name(level) for level in levels}
        lists = self.cloudflare.all("/gateway/lists", _READ)
        return [each for each in lists if each.get("id") in ids or (_marked(each) and each.get("name") in names)]

    def look_for(self, level: str, others: Sequence[isolation.Rule]) -> Finding:
        """Whether there is something to take away; `others` are the rules that will stay. Raises AdminError."""
        made = self.made(level)
        if not made:
            return there("none of setup's.")
        users = [str(rule.get("name")) for rule in others for each in made if isolation.names(rule, str(each.get("id")))]
        if users:
            return left_alone(
                f"the rule {', '.join(users)}, which was not made here, looks into it: take that away first, then run this again."
            )
        return to_do(
            "delete " + " and ".join(f"{each.get('name')} ({each.get('id')}) with its {_size(each)} entries" for each in made) + "."
        )

    def delete(self, level: str) -> str:
        """Take them away; what is gone already is gone. Raises AdminError."""
        made, key = self.made(level), f"list-{level}"
        if key in self.ledger:
            self.ledger.made(key, begun="")  # from now on one that does not show is gone, and not young
        for each in made:
            try:
                self.cloudflare.send("DELETE", f"/gateway/lists/{each.get('id')}", f"delete the list {each.get('name')}")
            except ServiceRefused as refused:
                if not gone(refused) and not (isinstance(refused, Uncertain) and self._by_id(str(each.get("id")), []) is None):
                    raise
        self.ledger.forget(key)
        return f"deleted {', '.join(str(each.get('name')) for each in made)}."

    def _by_id(self, list_id: str, lists: Sequence[Entity]) -> Entity | None:
        plain = list_id.replace("-", "").lower()
        listed = next((each for each in lists if str(each.get("id")).replace("-", "") == plain), None)
        if listed:
            return listed
        try:
            return self.cloudflare.one(f"/gateway/lists/{list_id}", f"read the list {list_id}")
        except ServiceRefused as refused:
            if gone(refused):
                return None
            raise


def _marked(entity: Entity) -> bool:
    return str(entity.get("description")).startswith(MARK)


def _size(entity: Entity) -> object:
    """How many entries; of none there is no count."""
    return entity.get("count", 0)


def _of_addresses(entity: Entity) -> Entity:
    if entity.get("type") != _KIND:
        raise AdminError(
            f"The list {entity.get('name')} ({entity.get('id')}) is of type {entity.get('type')}, which cannot be changed, and addresses "
            "need one of type EMAIL: rename it, or correct the variable that names it."
        )
    return entity
