"""The rights that the simulated tenant asks of administrators and apps are Graph's own (published permission tables)."""

import pytest

from simulator.entra import access
from simulator.entra.access import Access
from simulator.entra.directory_roles import ROLE_TEMPLATES
from simulator.entra.microsoft_graph import APP_ROLES, SCOPES
from simulator.entra.public_clients import AZURE_CLI, GRAPH_COMMAND_LINE_TOOLS
from tests.conformance.published import ADMIN_PERMISSIONS, JSON, child, read

pytestmark = pytest.mark.skipif(not ADMIN_PERMISSIONS.exists(), reason="the published permissions are not beside this repository")

OPERATIONS: dict[str, Access] = {
    **dict.fromkeys(
        (
            "listApplications",
            "getApplication",
            "getApplicationByAppId",
            "getApplicationByUniqueName",
            "listApplicationOwners",
            "listServicePrincipals",
            "getServicePrincipal",
            "getServicePrincipalByAppId",
        ),
        access.READ_APPLICATIONS,
    ),
    "createApplication": access.CREATE_APPLICATIONS,
    "upsertApplication": access.CREATE_APPLICATIONS,
    "updateApplication": access.WRITE_APPLICATIONS,
    "deleteApplication": access.WRITE_APPLICATIONS,
    **dict.fromkeys(
        ("applicationAddPassword", "applicationRemovePassword", "applicationAddKey", "applicationRemoveKey"), access.WRITE_CREDENTIALS
    ),
    "createServicePrincipal": access.CREATE_PRINCIPALS,
    "upsertServicePrincipal": access.CREATE_PRINCIPALS,
    "instantiateApplicationTemplate": access.CREATE_PRINCIPALS,
    "updateServicePrincipal": access.WRITE_PRINCIPALS,
    "deleteServicePrincipal": access.WRITE_PRINCIPALS,
    "listAppRoleAssignments": access.READ_GRANTS,
    "listAppRoleAssignedTo": access.READ_GRANTS,
    "createAppRoleAssignedTo": access.GRANT_OF_OTHERS,
    "listGroupAppRoleAssignments": access.READ_GROUP_GRANTS,
    **dict.fromkeys(
        ("listSynchronizationTemplates", "listSynchronizationJobs", "getSynchronizationJob", "getSynchronizationSchema"),
        access.READ_PROVISIONING,
    ),
    **dict.fromkeys(
        (
            "listSynchronizationSecrets",
            "setSynchronizationSecrets",
            "createSynchronizationJob",
            "deleteSynchronizationJob",
            "validateCredentials",
            "startSynchronizationJob",
            "pauseSynchronizationJob",
            "restartSynchronizationJob",
            "provisionOnDemand",
            "replaceSynchronizationSchema",
            "resetSynchronizationSchema",
        ),
        access.WRITE_PROVISIONING,
    ),
    "listProvisioningLog": access.READ_LOG,
    "listDeletedApplications": access.READ_DELETED,
    "listDeletedServicePrincipals": access.READ_DELETED,
    "restoreDeletedItem": access.RESTORE,
    "purgeDeletedItem": access.RESTORE,
    "getDefaultAppManagementPolicy": access.READ_POLICY,
}
VARYING = {"Directory.Read.All", "Directory.ReadWrite.All", "Application.ReadWrite.OwnedBy"}
"""In which the tables of operations of one kind differ from one another."""


def published() -> dict[str, JSON]:
    return read(ADMIN_PERMISSIONS)


def names(row: JSON, *kinds: str) -> set[str]:
    found: set[str] = set()
    for kind in kinds:
        value = child(row).get(kind, [])
        assert isinstance(value, list)
        found |= {str(each) for each in value}
    return found


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_takes_the_published_permissions_and_no_other(operation: str) -> None:
    row, ours = child(published(), "operations", operation), OPERATIONS[operation]
    for kind, mine in (("delegated", ours.scopes), ("application", (*ours.permissions, ours.owned))):
        known = frozenset[str]().union(*mine)
        assert names(row[kind], "least") <= known, (operation, kind)
        assert known <= names(row[kind], "least", "higher") | VARYING, (operation, kind)


def test_a_grant_takes_two_permissions_together() -> None:
    least = names(child(published(), "operations", "createAppRoleAssignedTo", "delegated"), "least")
    assert least == {"AppRoleAssignment.ReadWrite.All", "Application.Read.All"}
    assert all(least & each and not least <= each for each in access.GRANT_OF_GRAPH.scopes)


def test_every_app_role_and_scope_has_its_published_id() -> None:
    known = child(published(), "permissionIds")
    for value, role in APP_ROLES.items():
        if "appRoleId" in child(known.get(value, {})):
            assert child(known[value])["appRoleId"] == role, value
    for value in SCOPES & known.keys():
        assert "delegatedScopeId" in child(known[value]), value
    assert len(SCOPES & known.keys()) > 20


def test_the_clients_and_their_scopes_are_the_published_ones() -> None:
    cli = child(published(), "clients", "azureCli")
    assert cli["clientId"] == AZURE_CLI.id
    assert set(AZURE_CLI.preauthorized or ()) == names(cli, "graphScopesInToken")
    assert child(published(), "clients", "graphCommandLineTools")["clientId"] == GRAPH_COMMAND_LINE_TOOLS.id


def test_directory_roles_have_their_published_ids() -> None:
    for name, template in child(published(), "directoryRoleTemplateIds").items():
        assert ROLE_TEMPLATES[name] == template


@pytest.mark.parametrize("scopes", ["setupWorkerSide", "setupScimSide", "checkReadOnly"])
def test_the_least_sets_of_scopes_can_all_be_asked_for(scopes: str) -> None:
    assert names(child(published(), "scopeSets"), scopes) <= SCOPES
