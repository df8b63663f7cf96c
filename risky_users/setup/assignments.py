"""Who is assigned to the SCIM application: the three groups, and a base group that keeps everybody in scope whose risk clears."""

from dataclasses import dataclass, field

from risky_users.admin.entra import Entity, quoted, text_of
from risky_users.admin.roles import APPLICATIONS
from risky_users.setup.consent import grant
from risky_users.setup.groups import Groups
from risky_users.setup.scim_application import ScimApplication
from risky_users.setup.steps import Finding, Step, failed, left_alone, there, to_do
from risky_users.setup.work import Work
from text import GUID, counted

ASSIGNED = "assigned "
"""How entries of the ledger begin; for an application that was made otherwise only."""
_YOUNG = "The SCIM application"
_TRAP = (
    "no base group: name one with --base-group that holds all users of Cloudflare One. Without it a user whose risk clears leaves the "
    "application's scope, and Entra tells Cloudflare to deactivate them; harmless only while user deprovisioning is off there"
)


@dataclass(slots=True)
class Assignments:
    """The application's users and groups. `base_group` is an object id or a name."""

    application: ScimApplication
    groups: Groups
    base_group: str = ""
    _base: Entity | None = field(default=None, init=False)

    @property
    def work(self) -> Work:
        """Where one works."""
        return self.application.work

    def steps(self) -> tuple[Step, ...]:
        """The base group, and all of them."""
        return (
            Step("base", "Base group", self.look_at_base, after=("scim",)),
            Step("assignments", "Assignments", self.look_at_assignments, self.assign, ("scim", "groups"), APPLICATIONS),
        )

    def look_at_base(self) -> Finding:
        """The group that keeps everybody in scope whose risk clears."""
        self._base = self._find_base() if self.base_group else None
        if self._base:
            return there(f"{text_of(self._base, 'displayName')}.")
        if self.base_group:
            return failed(f"there is no group {self.base_group}, or several: give its object id.")
        risky = {group.id for group in self.groups.found.values()}
        others = [text_of(each, "principalDisplayName") for each in self._assigned() if text_of(each, "principalId").lower() not in risky]
        return there(f"{', '.join(others)}, assigned already.") if others else left_alone(f"{_TRAP}.")

    def _find_base(self) -> Entity | None:
        wanted, graph = self.base_group, self.work.graph
        if GUID.fullmatch(wanted):
            return graph.find(f"/groups/{wanted}", select="id,displayName")
        found = graph.all("/groups", filter=f"displayName eq {quoted(wanted)}", select="id,displayName")
        return found[0] if len(found) == 1 else None

    def look_at_assignments(self) -> Finding:
        """The three groups, and the base group where one is named."""
        wanted = self._wanted()
        assigned = {text_of(each, "principalId").lower() for each in self._assigned()}
        missing = [name for group, name in wanted.items() if group not in assigned]
        if len(self.groups.found) < 3:
            return to_do(f"the three groups{', '.join(['', *missing])} will be assigned.")
        return to_do(f"{', '.join(missing)} will be assigned.") if missing else there(f"{', '.join(wanted.values())}.")

    def assign(self) -> str:
        """Those that are missing."""
        assigned = {text_of(each, "principalId").lower() for each in self._assigned()}
        missing = {group: name for group, name in self._wanted().items() if group not in assigned}
        for group, name in missing.items():
            with self.work.ledger.making_unless(self.application.ours, f"{ASSIGNED}{group}", principal=self.application.id):
                grant(self.work, group, self.application.id, self.application.user_role, f"The group {name}")
        return f"{', '.join(missing.values())} assigned."

    def _wanted(self) -> dict[str, str]:
        """Names by id."""
        base = {text_of(self._base, "id").lower(): text_of(self._base, "displayName")} if self._base else {}
        return {**{group.id: group.name for group in self.groups.found.values()}, **base}

    def _assigned(self) -> list[Entity]:
        return self.work.graph.all(f"{self.application.path}/appRoleAssignedTo", young=_YOUNG) if self.application.principal else []

    # --- removing ---

    def steps_to_remove(self) -> tuple[Step, ...]:
        """Once provisioning rests."""
        return (Step("assignments", "Assignments", self.look_to_unassign, self.unassign, ("pause",), APPLICATIONS),)

    def look_to_unassign(self) -> Finding:
        """Those that were assigned here to an application that was made otherwise."""
        entries = self._assignments()
        return to_do(f"{counted(len(entries), 'group')} will be unassigned.") if entries else there("go with the application.")

    def unassign(self) -> str:
        """Take those back, and no others."""
        graph, ledger = self.work.graph, self.work.ledger
        for entry in self._assignments():
            principal, group = ledger.fact(entry, "principal"), entry.removeprefix(ASSIGNED)
            path = f"/servicePrincipals/{principal}/appRoleAssignedTo"
            standing = graph.all(path) if graph.find(f"/servicePrincipals/{principal}", select="id") else []
            for each in standing:
                if text_of(each, "principalId").lower() == group:
                    graph.delete(f"{path}/{text_of(each, 'id')}")
            ledger.forget(entry)
        return "unassigned."

    def _assignments(self) -> list[str]:
        return [each for each in self.work.ledger.entries if each.startswith(ASSIGNED)]
