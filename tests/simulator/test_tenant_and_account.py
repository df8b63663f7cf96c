"""A tenant's provisioning job drives an account's SCIM endpoint: schedule and scope on one side, resources and identities on the other."""

from dataclasses import dataclass

import pytest

from simulator import Group, User
from simulator.cloudflare import Account
from simulator.cloudflare.state import Person
from simulator.entra.provisioning import Scheduled
from simulator.messages import JSON
from tests.simulator.administrators import DAY, MINUTE, Administrator, administrator, error

NAME = "IdentityProtection-RiskyUser-RiskLevel-high"
FIRST = 20 * MINUTE


@dataclass
class Connected:
    """A group assigned to an enterprise application whose job is started, and one of its users' browser."""

    admin: Administrator
    account: Account
    group: Group
    user: User
    person: Person
    job: Scheduled

    @property
    def job_path(self) -> str:
        return f"/servicePrincipals/{self.job.job.principal_id}/synchronization/jobs/{self.job.job.id}"

    def later(self, seconds: float) -> None:
        """By the account's clock alone: nobody asks the tenant anything."""
        self.admin.clock.time += seconds
        self.account.catch_up()


def connected(*, user_deprovision: bool = False) -> Connected:
    admin = administrator()
    tenant = admin.tenant
    tenant.behaviour.token_seconds = 10**8
    admin.token = tenant.sign_in_as("Global Administrator")
    account = Account(admin.clock.now)
    account.decrypt_tls(on=True)
    provider = account.add_provider(scim=True, user_deprovision=user_deprovision)
    account.add_rule("isolate", identity=f'any(identity.groups.name[*] in {{"{NAME}"}})')
    group, user = tenant.create_group(NAME), tenant.users[0]
    tenant.add_member(group, user)
    principal = tenant.add_enterprise_application()
    tenant.assign(principal, group)
    tenant.door = account.door
    job = tenant.scheduled(tenant.provision(principal, provider.scim_base_url, provider.scim_secret or ""))
    account.jobs.append(job)
    assert user.mail
    return Connected(admin, account, group, user, account.enroll(user.mail, user.name), job)


def test_a_membership_arrives_with_the_cycle_and_isolates() -> None:
    it = connected()
    assert it.job.next == it.admin.clock.time + FIRST
    it.later(FIRST - 1)
    assert not it.account.page_load(it.person).isolated
    it.later(1)
    assert it.account.page_load(it.person).isolated
    assert it.job.last == it.admin.clock.time
    it.admin.tenant.remove_member(it.group, it.user)
    it.later(40 * MINUTE)
    assert not it.account.page_load(it.person).isolated


def test_the_entra_ids_of_groups_are_found_at_the_account() -> None:
    it = connected()
    it.later(FIRST)
    groups = it.account.provider.groups.values()
    assert [(group.content.external_id, group.content.name) for group in groups] == [(it.group.id, NAME)]


def test_on_demand_a_membership_arrives_at_once() -> None:
    it = connected()
    subject: JSON = {
        "objectId": it.group.id,
        "objectTypeName": "Group",
        "links": {"members": [{"objectId": it.user.id, "objectTypeName": "User"}]},
    }
    parameters: JSON = [{"ruleId": "03f7d90d-bf71-41b1-bda6-aaf0ddbee5d8", "subjects": [subject]}]
    assert it.admin.post(f"{it.job_path}/provisionOnDemand", {"parameters": parameters}).status == 200
    assert it.account.page_load(it.person).isolated


def test_a_regenerated_token_quarantines_the_job_and_isolation_follows_risk_no_more() -> None:
    it = connected()
    it.later(FIRST)
    it.account.provider.scim_secret = "regenerated"
    it.later(3 * 40 * MINUTE)
    it.later(3 * 40 * MINUTE)
    assert it.job.quarantined
    it.admin.tenant.remove_member(it.group, it.user)
    it.later(DAY / 8)
    assert it.account.page_load(it.person).isolated
    saved: JSON = {"useSavedCredentials": True, "credentials": []}
    refused = it.admin.post(f"{it.job_path}/validateCredentials", saved)
    assert error(refused) == (400, "SystemForCrossDomainIdentityManagementInvalidCredentials")
    values: JSON = [
        {"key": "BaseAddress", "value": it.account.provider.scim_base_url},
        {"key": "SecretToken", "value": "regenerated"},
        {"key": "SyncAll", "value": "false"},
    ]
    assert it.admin.put(f"{it.job_path.rpartition('/jobs/')[0]}/secrets", {"value": values}).status == 204
    assert it.admin.post(f"{it.job_path}/validateCredentials", saved).status == 204
    assert it.admin.post(f"{it.job_path}/restart", {"criteria": {"resetScope": "QuarantineState, Escrows"}}).status == 204
    it.later(MINUTE)
    assert not it.account.page_load(it.person).isolated
    assert not it.job.quarantined


def test_scim_that_is_off_at_the_account_is_an_address_nobody_answers_at() -> None:
    it = connected()
    it.account.provider.scim_enabled = False
    it.later(FIRST)
    assert it.job.job.last
    assert it.job.job.last.failure
    assert "Unavailable" in it.job.job.last.failure.code


@pytest.mark.parametrize("base", [True, False])
def test_whoever_is_released_is_logged_out_unless_a_base_group_keeps_them_in_scope(base: bool) -> None:
    it = connected(user_deprovision=True)
    tenant = it.admin.tenant
    if base:
        everybody = tenant.create_group("everybody")
        tenant.add_member(everybody, it.user)
        tenant.assign(tenant.directory.principals[it.job.job.principal_id], everybody)
    it.later(FIRST)
    assert it.account.page_load(it.person).isolated
    tenant.remove_member(it.group, it.user)
    it.later(40 * MINUTE)
    assert it.person.enrolled is base


def test_pausing_the_job_from_the_accounts_side_is_pausing_it() -> None:
    it = connected()
    it.later(0)
    it.job.paused = True
    assert it.job.next == it.admin.clock.time + FIRST  # a cycle that has begun ends first
    it.later(FIRST)
    assert it.job.next is None
    assert it.job.paused
    it.job.paused = False
    assert it.job.next == it.admin.clock.time + MINUTE
    assert not it.job.paused
