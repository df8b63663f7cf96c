"""Every mistake that setting the chain up invites, made in a chain that holds: the check names it and its remedy, in one line.

They come from docs/setup.md and its tables, and from what Microsoft and Cloudflare document of each step.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from groups import GROUP_NAMES
from risky_users.check import CHECKS
from simulator.cloudflare.state import edited
from simulator.entra.provisioning.job import Failure
from simulator.entra.provisioning.log import Event
from simulator.messages import JSON
from tests.cli.chains import DAY, HOUR, MINUTE, Whole, whole

HIGH = GROUP_NAMES["high"]


@dataclass(frozen=True)
class Mistake:
    """`make` makes it, and may give variables that are mistaken; `title` is the line that tells of it, with `says` in it.

    `also` are lines that say something of their own besides: nothing else does.
    """

    make: Callable[[Whole], Mapping[str, str] | None]
    title: str
    says: tuple[str, ...]
    mark: Literal["✗", "!"] = "✗"
    also: tuple[str, ...] = ()
    lists: bool = True
    user: str = ""
    """Whom the check is asked about."""


MISTAKES: dict[str, Mistake] = {}


def mistake(
    title: str, *says: str, mark: Literal["✗", "!"] = "✗", also: tuple[str, ...] = (), lists: bool = True, user: str = ""
) -> Callable[[Callable[[Whole], Mapping[str, str] | None]], None]:
    """Enters a function into the table, under its name."""

    def enter(make: Callable[[Whole], Mapping[str, str] | None]) -> None:
        MISTAKES[make.__name__] = Mistake(make, title, says, mark, also, lists, user)

    return enter


# --- the configuration ---


@mistake("Configuration", "AZURE_AD_TENANT_ID still holds its placeholder", "Entra admin center > Overview")
def a_placeholder_is_left(_: Whole) -> Mapping[str, str]:
    return {"AZURE_AD_TENANT_ID": "<TENANT-ID>"}


@mistake("Configuration", "is a GUID, as the Secret ID is", "put the client secret's value")
def the_secrets_id_is_taken_for_the_secret(_: Whole) -> Mapping[str, str]:
    return {"AZURE_AD_CLIENT_SECRET": "11111111-2222-4333-8444-555555555555"}


@mistake("Configuration", "stands in quotes")
def the_secret_is_put_with_quotes(it: Whole) -> Mapping[str, str]:
    return {"AZURE_AD_CLIENT_SECRET": f'"{it.tenant.app.secret}"'}


@mistake("Configuration", "GATEWAY_LIST_HIGH, GATEWAY_LIST_MEDIUM, GATEWAY_LIST_LOW name the same list")
def one_list_serves_two_levels(it: Whole) -> Mapping[str, str]:
    return {"GATEWAY_LIST_LOW": it.environment["GATEWAY_LIST_HIGH"]}


@mistake("Configuration", "DRY_RUN is true, so the Worker writes nothing", "remove it to go live", mark="!")
def the_dry_run_is_left_on(it: Whole) -> Mapping[str, str]:
    it.cloudflare.deploy_worker("risky-users", variables={**it.plain, "DRY_RUN": "true"})
    return {"RISKY_USERS_DRY_RUN": "true"}


@mistake("Configuration", "ALERT_WEBHOOK is not an address that begins with https://", "nobody is told", mark="!")
def the_alerts_go_by_http(_: Whole) -> Mapping[str, str]:
    return {"RISKY_USERS_ALERT_WEBHOOK": "http://hooks.example.com"}


# --- signing in ---


@mistake("Tenant", "AADSTS90002", "check AZURE_AD_TENANT_ID")
def the_tenants_id_is_anothers(it: Whole) -> Mapping[str, str]:
    it.az = None
    return {"AZURE_AD_TENANT_ID": "00000000-0000-4000-8000-000000000000"}


@mistake("Tenant", "AADSTS90002", "AZURE_CLOUD")
def the_tenant_is_in_another_cloud(it: Whole) -> None:
    it.az = None
    it.tenant.tokens.cloud = "login.microsoftonline.us"


@mistake("Credentials", "AADSTS700016", "check both ids")
def the_clients_id_is_anothers(_: Whole) -> Mapping[str, str]:
    return {"AZURE_AD_CLIENT_ID": "00000000-0000-4000-8000-000000000000"}


@mistake("Credentials", "AADSTS7000215", "put the secret's value, not its ID")
def the_secret_is_anothers(_: Whole) -> Mapping[str, str]:
    return {"AZURE_AD_CLIENT_SECRET": "not~it"}


@mistake("Credentials", "AADSTS7000222", "create another")
def the_secret_has_ended(it: Whole) -> None:
    it.tenant.expire_secrets()


@mistake("Credentials", "AADSTS7000112", "enable sign-in")
def the_app_is_disabled(it: Whole) -> None:
    it.tenant.app.disabled = True


@mistake("Expiry", "ends on", "in 12 days", "`risky-users rotate`", mark="!")
def the_secret_ends_soon(it: Whole) -> None:
    it.tenant.app.secrets[0].expires = it.ticks.clock.time + 12.5 * DAY


@mistake("Expiry", "CREDENTIAL_EXPIRES says 2026-01-01", "correct it in the environment", mark="!")
def the_date_of_the_secrets_end_is_an_old_one(it: Whole) -> Mapping[str, str]:
    it.cloudflare.deploy_worker("risky-users", variables={**it.plain, "CREDENTIAL_EXPIRES": "2026-01-01"})
    return {"RISKY_USERS_CREDENTIAL_EXPIRES": "2026-01-01"}


@mistake("Expiry", "not known", "CREDENTIAL_EXPIRES", mark="!")
def nobody_says_when_the_secret_ends(it: Whole) -> None:
    it.tenant.behaviour.own_registration_readable = False
    it.az = None


# --- permissions, licence, groups ---


@mistake("Permissions", "missing: IdentityRiskyUser.Read.All, GroupMember.ReadWrite.All", "grant admin consent")
def consent_was_not_granted(it: Whole) -> None:
    it.tenant.app.permissions.clear()


@mistake("Permissions", "missing: IdentityRiskyUser.Read.All", "API permissions")
def a_permission_was_forgotten(it: Whole) -> None:
    it.tenant.app.permissions.remove("IdentityRiskyUser.Read.All")


@mistake("Permissions", "more than needed: Directory.ReadWrite.All", "remove the others", mark="!")
def the_tutorials_permissions_were_taken(it: Whole) -> None:
    it.tenant.app.permissions.add("Directory.ReadWrite.All")


@mistake("Licence", "no Microsoft Entra ID P2 licence")
def there_is_no_licence(it: Whole) -> None:
    it.tenant.premium = False


@mistake("Name look-up", "one more permission", "GroupMember.Read.All")
def the_tenant_wants_one_more_permission(it: Whole) -> None:
    it.tenant.behaviour.lookup_needs_read_permission = True


@mistake("Group low", "its membership is dynamic", "change its membership type to assigned")
def a_group_is_dynamic(it: Whole) -> None:
    it.groups["low"].types.append("DynamicMembership")


@mistake("Group high", "2 groups have this name", "Rename or delete the others", mark="!")
def a_group_has_a_namesake(it: Whole) -> None:
    it.tenant.create_group(HIGH)


# --- the deployment ---


@mistake("Worker", "no Worker risky-users is deployed", "there is msft-risky-user-ad-sync", "`npx wrangler deploy`")
def the_worker_bears_another_name(it: Whole) -> None:
    Path("wrangler.toml").write_text('name = "risky-users"\n')
    it.cloudflare.state.workers["msft-risky-user-ad-sync"] = it.cloudflare.state.workers.pop("risky-users")
    it.worker.name = "msft-risky-user-ad-sync"


@mistake("Worker", "without AZURE_AD_CLIENT_SECRET", "`npx wrangler secret put AZURE_AD_CLIENT_SECRET`")
def the_secret_was_put_into_another_worker(it: Whole) -> None:
    del it.worker.secrets["AZURE_AD_CLIENT_SECRET"]


@mistake("Worker", "without GATEWAY_API_TOKEN", "`npx wrangler secret put GATEWAY_API_TOKEN`")
def the_lanes_token_was_not_put(it: Whole) -> None:
    del it.worker.secrets["GATEWAY_API_TOKEN"]


@mistake("Worker", "AZURE_AD_CLIENT_SECRET is a var", "take it out of [vars], renew it")
def the_secret_is_a_var(it: Whole) -> None:
    it.cloudflare.deploy_worker("risky-users", variables={**it.plain, "AZURE_AD_CLIENT_SECRET": "for all to see"})


def deployed_otherwise(it: Whole, **variables: str) -> None:
    Path("wrangler.toml").write_text("[vars]\n" + "".join(f'{name} = "{value}"\n' for name, value in it.plain.items()))
    it.cloudflare.deploy_worker("risky-users", variables={**it.plain, **variables})


@mistake("Worker", "other values of AZURE_AD_CLIENT_ID", "`npx wrangler deploy`")
def the_file_was_changed_and_not_deployed(it: Whole) -> None:
    deployed_otherwise(it, AZURE_AD_CLIENT_ID="another")


@mistake("Worker", "other values of GATEWAY_LIST_HIGH", "`npx wrangler deploy`")
def the_worker_keeps_another_list(it: Whole) -> None:
    deployed_otherwise(it, GATEWAY_LIST_HIGH="another")


@mistake("Worker", "other values of DRY_RUN", "`npx wrangler deploy`")
def the_worker_was_left_in_a_dry_run(it: Whole) -> None:
    deployed_otherwise(it, DRY_RUN="true")


@mistake("Worker", "other values of LOG_LEVEL", "deploy it again", mark="!")
def the_file_says_less_than_what_is_deployed(it: Whole) -> None:
    deployed_otherwise(it, LOG_LEVEL="debug")


@mistake("Worker", "other values of AZURE_CLOUD and DRY_RUN", "deploy it again", mark="!")
def the_worker_is_told_what_goes_without_saying(it: Whole) -> None:
    deployed_otherwise(it, DRY_RUN="False", AZURE_CLOUD="global")


@mistake("Worker", "other values of DRY_RUN", "deploy it again", mark="!", also=("Configuration",))
def the_worker_writes_although_the_file_says_otherwise(it: Whole) -> None:
    deployed_otherwise(it)
    Path("wrangler.toml").write_text(f'{Path("wrangler.toml").read_text()}DRY_RUN = "true"\n')


@mistake("Worker", "other values of GATEWAY_LIST_HIGH", "deploy it again", mark="!")
def a_lists_id_is_spelled_otherwise(it: Whole) -> None:
    deployed_otherwise(it, GATEWAY_LIST_HIGH=it.plain["GATEWAY_LIST_HIGH"].replace("-", "").upper())


@mistake("Cron", "no cron trigger", 'crons = ["* * * * *"]')
def the_cron_trigger_is_missing(it: Whole) -> None:
    it.worker.crons = []


@mistake("Cron", "runs by 0 * * * *", mark="!")
def the_cron_trigger_is_a_rare_one(it: Whole) -> None:
    it.worker.crons = ["0 * * * *"]


@mistake("Last runs", "failed (scriptThrewException)", "`npx wrangler tail --format pretty`")
def the_worker_fails(it: Whole) -> None:
    it.ticks.clock.time += MINUTE
    it.cloudflare.record_run(it.worker, "scriptThrewException")


@mistake("Last runs", "1 of 2 in the last hour failed (exceededCpu)", mark="!")
def the_worker_fails_now_and_then(it: Whole) -> None:
    it.worker.runs.clear()
    it.cloudflare.record_run(it.worker, "exceededCpu")
    it.ticks.clock.time += MINUTE
    it.cloudflare.record_run(it.worker)


@mistake("Last runs", "none in the last hour", "past cron events")
def the_worker_never_runs(it: Whole) -> None:
    it.worker.runs.clear()


@mistake("Last runs", "the last was 20 min ago")
def the_worker_has_stopped(it: Whole) -> None:
    it.ticks.clock.time += 20 * MINUTE


@mistake("Last runs", "up to 15 minutes", mark="!")
def the_worker_was_deployed_just_now(it: Whole) -> None:
    it.worker.runs.clear()
    it.cloudflare.deploy_worker("risky-users", variables=it.plain)


# --- the direct lane ---


@mistake("Lane token", "Cloudflare does not accept it", "npx wrangler secret put GATEWAY_API_TOKEN")
def the_lanes_token_was_revoked(it: Whole) -> None:
    it.cloudflare.token.disabled = True


@mistake("Lane token", "it lacks Zero Trust Write and has Zero Trust Read")
def the_lanes_token_may_only_read(it: Whole) -> None:
    it.cloudflare.token.permissions = {"Zero Trust Read"}


@mistake("Lane token", "it lacks Zero Trust Write")
def the_lanes_token_is_for_something_else(it: Whole) -> None:
    it.cloudflare.token.permissions = {"Workers Scripts Read"}


@mistake("Lane token", "more than needed: Workers Scripts Write", "Zero Trust Write is enough", mark="!")
def the_lanes_token_may_do_more(it: Whole) -> None:
    it.cloudflare.token.permissions.add("Workers Scripts Write")


@mistake("Lane token", "it ends on", "in 5 days", mark="!")
def the_lanes_token_ends_soon(it: Whole) -> None:
    it.cloudflare.token.expires = it.ticks.clock.time + 5.5 * DAY


@mistake("Lane token", "belongs to a person and goes with them", "account-owned", mark="!")
def the_lanes_token_is_a_persons(it: Whole) -> None:
    it.cloudflare.token.kind = "user"


@mistake("List high", "no list with the id in GATEWAY_LIST_HIGH", "`risky-users setup gateway`")
def a_list_was_deleted(it: Whole) -> Mapping[str, str]:
    return {"GATEWAY_LIST_HIGH": "00000000-0000-4000-8000-000000000000"}


@mistake("List low", "is of type DOMAIN", "make another list")
def a_list_is_of_another_type(it: Whole) -> Mapping[str, str]:
    return {"GATEWAY_LIST_LOW": it.cloudflare.add_list("domains", ["example.com"], "DOMAIN").id}


@mistake("List medium", "is full with 5 addresses", "raise GATEWAY_LIST_SIZE", mark="!", also=("List high",))
def a_list_is_full(it: Whole) -> Mapping[str, str]:
    return {"GATEWAY_LIST_SIZE": "5"}


@mistake("List high", "is empty, for 4 users at high risk", mark="!")
def the_lane_was_never_kept(it: Whole) -> None:
    it.cloudflare.set_values(it.cloudflare.list_named("risky-users-high"), [])


@mistake("Addresses", "User.ReadBasic.All", "grant admin consent", mark="!")
def mail_may_not_be_read(it: Whole) -> None:
    it.tenant.app.permissions.remove("User.ReadBasic.All")


@mistake("Addresses", "GATEWAY_ADDRESSES is mail, and Cloudflare compares the claim upn", "set it to upn")
def other_addresses_are_written_than_compared(it: Whole) -> Mapping[str, str]:
    it.cloudflare.provider.config["email_claim_name"] = "upn"
    it.cloudflare.deploy_worker("risky-users", variables={**it.plain, "GATEWAY_ADDRESSES": "mail"})
    return {"GATEWAY_ADDRESSES": "mail"}


# --- provisioning ---


@mistake("Assignments", "no group is assigned", "Cloudflare One SCIM may be it", "a base group", lists=False)
def no_group_is_assigned(it: Whole) -> None:
    it.tenant.unassign(it.scim, *it.groups.values())


@mistake("Assignments", "the group of low risk is not assigned", "Users and groups")
def one_group_is_not_assigned(it: Whole) -> None:
    it.tenant.unassign(it.scim, it.groups["low"])


@mistake("SCIM app", "came from an app registration", "Create your own application", lists=False)
def the_groups_are_assigned_to_the_app_for_signing_in(it: Whole) -> None:
    it.tenant.unassign(it.scim, *it.groups.values())
    principal = it.tenant.register_app("Cloudflare Access").principal
    it.tenant.assign(principal, *it.groups.values(), it.everybody)


@mistake("SCIM app", "has no provisioning", "`risky-users setup scim`")
def provisioning_was_not_set_up(it: Whole) -> None:
    it.tenant.service.provisioning.jobs.clear()


@mistake("SCIM app", "is disabled", "Properties")
def the_enterprise_application_is_disabled(it: Whole) -> None:
    it.scim.enabled = False


@mistake("SCIM app", "provisions to https://scim.example/v2", "correct the tenant URL")
def the_tenant_url_is_anothers(it: Whole) -> None:
    it.tenant.service.provisioning.settings[it.scim.id]["BaseAddress"] = "https://scim.example/v2"
    it.later(40 * MINUTE)


@mistake("SCIM app", "no tenant URL or no secret token")
def the_secret_token_was_not_entered(it: Whole) -> None:
    del it.tenant.service.provisioning.settings[it.scim.id]["SecretToken"]


@mistake("SCIM app", "has 2 jobs", "keep one", mark="!")
def there_are_two_jobs(it: Whole) -> None:
    provider = it.cloudflare.provider
    it.tenant.provision(it.scim, provider.scim_base_url, provider.scim_secret or "", started=False)


@mistake("SCIM app", "provisions groups too", "keep one", mark="!")
def two_applications_provision(it: Whole) -> None:
    other, provider = it.tenant.add_enterprise_application("Cloudflare old"), it.cloudflare.provider
    it.tenant.assign(other, it.groups["high"])
    it.tenant.provision(other, provider.scim_base_url, provider.scim_secret or "", started=False)


@mistake("Provisioning", "it is not started", "start it")
def provisioning_was_not_started(it: Whole) -> None:
    it.tenant.service.provisioning.jobs.clear()
    provider = it.cloudflare.provider
    it.tenant.provision(it.scim, provider.scim_base_url, provider.scim_secret or "", started=False)


@mistake("Provisioning", "its first cycle has not ended", mark="!")
def provisioning_was_started_just_now(it: Whole) -> None:
    it.tenant.service.provisioning.jobs.clear()
    provider = it.cloudflare.provider
    it.tenant.provision(it.scim, provider.scim_base_url, provider.scim_secret or "")


@mistake("Provisioning", "it is paused", "start it")
def provisioning_is_paused(it: Whole) -> None:
    it.tenant.service.provisioning.pause(it.job)


@mistake("Provisioning", "the last cycle failed", "Cloudflare refuses its token", "regenerate the SCIM secret")
def the_scim_secret_was_regenerated(it: Whole) -> None:
    it.cloudflare.provider.scim_secret = "regenerated"
    it.later(40 * MINUTE)


@mistake("Provisioning", "in quarantine since", "isolation does not follow risk", "the next attempt", "regenerate the SCIM secret")
def nobody_noticed_that_the_scim_secret_was_regenerated(it: Whole) -> None:
    it.cloudflare.provider.scim_secret = "regenerated"
    it.later(5 * HOUR)


@mistake("Provisioning", "the last cycle ended", "restart provisioning")
def provisioning_hangs(it: Whole) -> None:
    it.job.next = None
    it.later(3 * HOUR)


@mistake("Provisioning", "2 entries were not provisioned (DuplicateTargetEntries)", "see Provisioning logs", mark="!")
def some_entries_are_not_taken(it: Whole) -> None:
    assert it.job.last
    it.job.last.state, it.job.last.escrowed = "EntryLevelErrors", 2
    now, failure = it.ticks.clock.time, Failure("DuplicateTargetEntries", "Two users have this address.")
    event = Event(it.ada.id, now, it.job.id, it.scim.id, "one", "update", "failure", "User", it.ada.id, it.ada.name, "target", failure)
    it.tenant.service.provisioning.log.append(event)


@mistake("Mapping", "groups are not provisioned", "enable them")
def groups_are_not_mapped(it: Whole) -> None:
    mapping(it, "Group")["enabled"] = False


@mistake("Mapping", "members is not mapped", "reset the mapping")
def members_are_not_mapped(it: Whole) -> None:
    attributes = mapping(it, "Group")["attributeMappings"]
    assert isinstance(attributes, list)
    attributes[:] = [each for each in attributes if isinstance(each, dict) and each["targetAttributeName"] != "members"]


@mistake("Mapping", "userName is made from [mailNickname]", "by which Cloudflare knows the user", mark="!")
def users_are_mapped_by_their_nickname(it: Whole) -> None:
    source(it, "User", "userName")["expression"] = "[mailNickname]"


@mistake("Mapping", "displayName is made from [mailNickname]", "map displayName")
def groups_are_mapped_by_their_nickname(it: Whole) -> None:
    source(it, "Group", "displayName")["expression"] = "[mailNickname]"


@mistake("Base group", "user deprovisioning is on at Cloudflare", "logged out", "assign a group of all")
def there_is_no_base_group(it: Whole) -> None:
    it.tenant.unassign(it.scim, it.everybody)
    it.cloudflare.provider.user_deprovision = True


@mistake("Base group", "harmless while user deprovisioning is off", mark="!")
def there_is_no_base_group_yet(it: Whole) -> None:
    it.tenant.unassign(it.scim, it.everybody)


@mistake("Base group", "all users and groups of the tenant are provisioned", mark="!")
def everybody_is_provisioned(it: Whole) -> None:
    it.tenant.service.provisioning.settings[it.scim.id]["SyncAll"] = "true"


# --- Cloudflare's end ---


@mistake("SCIM settings", "no identity provider of Microsoft Entra", lists=False)
def there_is_no_identity_provider(it: Whole) -> None:
    it.cloudflare.state.providers.clear()


@mistake("SCIM settings", "SCIM is off", "enable it", lists=False)
def scim_is_off(it: Whole) -> None:
    it.cloudflare.provider.scim_enabled = False


@mistake("SCIM settings", "SCIM is off", mark="!")
def scim_is_off_and_the_lists_isolate(it: Whole) -> None:
    it.cloudflare.provider.scim_enabled = False


@mistake("SCIM settings", "reauth", "waits for the next login", "choose automatic", mark="!")
def groups_wait_for_the_next_login_as_in_the_tutorial(it: Whole) -> None:
    it.cloudflare.provider.identity_update_behavior = "reauth"


@mistake("SCIM settings", "no_action", "choose automatic", lists=False)
def groups_change_nothing(it: Whole) -> None:
    it.cloudflare.provider.identity_update_behavior = "no_action"


@mistake("Arrival", "the group of medium risk has not arrived", "provisioning log")
def a_group_has_not_arrived(it: Whole) -> None:
    provider = it.cloudflare.provider
    [arrived] = [each for each in provider.groups.values() if each.content.external_id == it.groups["medium"].id]
    del provider.groups[arrived.id]


@mistake("Rule high", "no rule isolates users at high risk", "`risky-users setup gateway`")
def there_is_no_rule(it: Whole) -> None:
    it.cloudflare.state.drop_rule(it.cloudflare.rule_named("risky-users: isolate high").id, it.ticks.clock.time)


@mistake("Rule low", "no rule isolates users at low risk", "`risky-users setup gateway`")
def a_list_has_no_rule(it: Whole) -> None:
    it.cloudflare.state.drop_rule(it.cloudflare.rule_named("risky-users: isolate low").id, it.ticks.clock.time)


@mistake("Rule high", "switched off", "enable it")
def the_rule_is_off(it: Whole) -> None:
    change_rule(it, "high", enabled=False)


@mistake("Rule high", "(Block)", "give it the action Isolate")
def the_rule_blocks(it: Whole) -> None:
    change_rule(it, "high", action="block")


@mistake("Rule medium", "goes by the group alone", "identity.email in $", mark="!")
def the_rule_goes_by_the_group_although_there_is_a_list(it: Whole) -> None:
    change_rule(it, "medium", identity=f'any(identity.groups.name[*] in {{"{GROUP_NAMES["medium"]}"}})')


@mistake("Rule high", "names the group in other letters", f"write {HIGH}", lists=False)
def the_rule_names_the_group_in_other_letters(it: Whole) -> None:
    change_rule(it, "high", identity=f'any(identity.groups.name[*] in {{"{HIGH.lower()}"}})')


@mistake("Rule high", "no rule isolates users at high risk", lists=False)
def the_rule_is_for_everybody_else(it: Whole) -> None:
    change_rule(it, "high", identity=f'not(any(identity.groups.name[*] in {{"{HIGH}"}}))')


@mistake("Rule high", "asks for something else besides", "who does not meet that, too, is not isolated", mark="!")
def the_rule_is_for_some_of_those_on_the_list(it: Whole) -> None:
    rule = it.cloudflare.rule_named("risky-users: isolate high")
    change_rule(it, "high", identity=f'{rule.identity} and any(identity.groups.name[*] in {{"Pilot"}})')


@mistake("Rule high", "“VIP” (Do Not Isolate) comes before", "give the isolating rule the lower precedence")
def another_rule_comes_first(it: Whole) -> None:
    it.cloudflare.add_rule("VIP", "noisolate", precedence=1)


@mistake("Rule high", "“Banks” (Do Not Inspect) comes before", "narrow it")
def inspection_is_off_for_all(it: Whole) -> None:
    it.cloudflare.add_rule("Banks", "off", precedence=9_999)


@mistake("Rule high", "Cloudflare marks", "Correct its expression")
def cloudflare_warns_of_the_rule(it: Whole) -> None:
    change_rule(it, "high", warning="the list is of another type")


@mistake("TLS decryption", "off, so that no page can be isolated", "root certificate")
def tls_is_not_decrypted(it: Whole) -> None:
    it.cloudflare.decrypt_tls(on=False)


# --- people ---


@mistake("User", "Cloudflare knows nobody by this address", "enroll", user="grace.hopper@contoso.onmicrosoft.com")
def the_user_has_never_logged_in(it: Whole) -> None:
    person = it.cloudflare.person("grace.hopper@contoso.onmicrosoft.com")
    assert person
    del it.cloudflare.state.people[person.id]


@mistake("User", "neither their mail nor their user principal name", "e-mail claim", user="Ada.L@contoso.com")
def the_user_is_known_by_another_address(it: Whole) -> None:
    person = it.cloudflare.person("ada.l@contoso.com")
    assert person
    it.tenant.rename_mailbox(it.ada, "countess@contoso.com")
    it.ada.principal_name = "Ada.L@contoso.com"
    person.email = "Ada.L@contoso.com"
    it.ada.principal_name = "ada@contoso.onmicrosoft.com"


@mistake("Devices", "none is enrolled", "install Cloudflare's client", user="Ada.L@contoso.com")
def the_device_is_not_enrolled(it: Whole) -> None:
    person = it.cloudflare.person("ada.l@contoso.com")
    assert person
    person.enrolled = False


@mistake("User", "they are at high risk and neither in its group nor on its list", mark="!", user="Ada.L@contoso.com")
def the_risk_has_not_arrived_yet(it: Whole) -> None:
    it.tenant.set_risk(it.ada, "high")


# --- how they are made ---


def change_rule(it: Whole, level: str, **changes: object) -> None:
    rule = it.cloudflare.rule_named(f"risky-users: isolate {level}")
    it.cloudflare.put_rule(edited(rule, it.ticks.clock.time, **changes))


def mapping(it: Whole, kind: str) -> dict[str, JSON]:
    rules = it.job.schema["synchronizationRules"]
    assert isinstance(rules, list)
    assert isinstance(rules[0], dict)
    mappings = rules[0]["objectMappings"]
    assert isinstance(mappings, list)
    return next(each for each in mappings if isinstance(each, dict) and each["sourceObjectName"] == kind)


def source(it: Whole, kind: str, attribute: str) -> dict[str, JSON]:
    attributes = mapping(it, kind)["attributeMappings"]
    assert isinstance(attributes, list)
    [found] = [each["source"] for each in attributes if isinstance(each, dict) and each["targetAttributeName"] == attribute]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named_with_its_remedy_in_one_line(name: str) -> None:
    made = MISTAKES[name]
    it = whole(lists=made.lists)
    given = {**it.environment, **(made.make(it) or {}), "CLOUDFLARE_API_TOKEN": it.environment["CLOUDFLARE_API_TOKEN"]}
    outcome = it.run("check", *(["--user", made.user] if made.user else []), environment=given)
    told = [line for line in outcome.output.splitlines() if line[0:2] in ("✗ ", "! ")]
    [line] = [line for line in told if line[2:].startswith(f"{made.title} ")]
    assert line.startswith(made.mark), line
    for words in made.says:
        assert words in line
    others = {title for each in told for title in CHECKS.values() if each[2:].startswith(f"{title} ")}
    assert others == {made.title, *made.also}, told
    assert outcome.status == (1 if any(each.startswith("✗") for each in told) else 0)
