"""What an administrator can see of a tenant, to be compared with what was to be seen before."""

from simulator.entra.directory import Directory, in_bin
from simulator.entra.entities import group_entity
from simulator.entra.provisioning.entities import job_entity
from simulator.entra.provisioning.settings import shown
from simulator.entra.registration_entities import application_entity, grant_entity, principal_entity
from simulator.entra.service import Service
from simulator.messages import JSON


def snapshot(service: Service, now: float) -> dict[str, JSON]:
    """By kind, then by id. What lies in the bin is `deleted`, which nobody can keep from changing."""
    directory, provisioning = service.directory, service.provisioning
    standing = {each.id for each in directory.principals.values() if each.deleted is None}
    return {
        "users": {user.id: _user(directory, user.id) for user in directory.users.values() if not user.deleted},
        "groups": {group.id: _group(directory, group.id) for group in directory.standing_groups()},
        "applications": {
            each.id: {**application_entity(each, "hex", service.domain), "owners": [*each.owners]}
            for each in directory.applications.values()
            if each.deleted is None
        },
        "servicePrincipals": {
            each.id: {**principal_entity(each), "owners": [*each.owners]} for each in directory.principals.values() if each.id in standing
        },
        "appRoleAssignments": {
            each.id: grant_entity(each, directory) for principal in sorted(standing) for each in directory.granted_by(principal, now)
        },
        "oauth2PermissionGrants": [
            {"clientId": each.client_id, "principalId": each.user_id, "scope": " ".join(sorted(each.scopes))} for each in directory.consents
        ],
        "synchronizationJobs": {
            job.id: {**job_entity(job), "schema": job.schema} for job in provisioning.jobs.values() if job.principal_id in standing
        },
        "synchronizationSecrets": {
            principal: shown(settings) for principal, settings in provisioning.settings.items() if principal in standing and settings
        },
        "deleted": {
            "applications": [each.id for each in in_bin(directory.applications.values(), now)],
            "servicePrincipals": [each.id for each in in_bin(directory.principals.values(), now)],
            "groups": [group.id for group in directory.restorable(now)],
        },
    }


def _user(directory: Directory, user_id: str) -> JSON:
    user = directory.users[user_id]
    return {"displayName": user.name, "userPrincipalName": user.principal_name, "mail": user.mail, "roles": [*sorted(user.roles)]}


def _group(directory: Directory, group_id: str) -> JSON:
    group = directory.groups[group_id]
    return {**group_entity(group), "members": [*sorted(group.members)], "owners": [*group.owners]}
