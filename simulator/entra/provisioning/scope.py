"""Who is in scope: the users and groups assigned to an application, and the direct members of those groups, or everybody."""

from collections.abc import Mapping
from dataclasses import dataclass

from simulator.entra.directory import Directory, Group, User
from simulator.entra.provisioning.job import Job


@dataclass(frozen=True, slots=True)
class Scope:
    """What is entitled to be provisioned, by id; of each group its members that are users."""

    users: Mapping[str, User]
    groups: Mapping[str, Group]
    members: Mapping[str, frozenset[str]]


def in_scope(directory: Directory, job: Job, time: float, lag: float = 0.0) -> Scope:
    """As it was at this time, assignments as they were `lag` seconds before. Groups in groups do not count."""
    if job.everybody:
        groups = {group.id: group for group in directory.standing_groups()}
        users = {user.id: user for user in directory.users.values() if not user.deleted}
    else:
        assigned = {grant.principal_id for grant in directory.granted_by(job.principal_id, time, lag)}
        groups = {group.id: group for group in directory.standing_groups() if group.id in assigned}
        users = {user.id: user for user in directory.users.values() if user.id in assigned and not user.deleted}
    members = {}
    for group in groups.values():
        direct = {member: directory.users[member] for member in group.members_at(time) if member in directory.users}
        there = {member: user for member, user in direct.items() if not user.deleted}
        members[group.id] = frozenset(there)
        users |= there
    return Scope(users, groups, members)
