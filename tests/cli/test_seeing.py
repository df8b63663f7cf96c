"""What a check sees, by whose rights, and what it says of the links that it cannot see."""

import json
from collections.abc import Callable, Mapping
from typing import Literal

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from risky_users.check import CHECKS, provisioning
from simulator import Fault
from simulator.entra.azure_cli import AzureCli
from simulator.faults import Kind
from tests.cli.chains import READING, Whole, whole
from tests.cli.terminal import Outcome

ADA = "Ada.L@contoso.com"
PROVISIONING = list(provisioning.LINKS.values())


def check(it: Whole, *options: str) -> Outcome:
    return it.run("check", *options)


def unseen(outcome: Outcome) -> set[str]:
    """The titles of the links that were not looked at, whether they have a line of their own or not."""
    lines = [line[2:] for line in outcome.output.splitlines() if line.startswith("· ")]
    return {
        title
        for title in CHECKS.values()
        if any(line.startswith(f"{title} ") or f" {title}," in line or f" {title}." in line for line in lines)
    }


def administrator_with(it: Whole, *permissions: str) -> None:
    """Give the administrator another token."""
    it.environment["CLOUDFLARE_API_TOKEN"] = it.cloudflare.create_token("another", *permissions).value


def test_with_every_right_everything_is_seen() -> None:
    assert unseen(check(whole(), "--user", ADA)) == set()


def test_a_check_only_reads_with_get_and_the_few_posts_that_read() -> None:
    it = whole()
    check(it, "--user", ADA)
    it.has_only_read()
    assert {(request.method, request.url.rpartition("/")[2]) for request in it.tenant.requests if request.method != "GET"} == {
        ("POST", "token"),
        ("POST", "$batch"),
    }
    assert {request.url.rpartition("/")[2] for request in it.cloudflare.requests if request.method != "GET"} == {"graphql"}
    it.cloudflare.requests[0].method = "DELETE"
    with pytest.raises(AssertionError):
        it.has_only_read()


@pytest.mark.parametrize(
    ("missing", "titles"),
    [
        ("Workers Scripts Read", {"Worker", "Cron", "Last runs"}),
        ("Account Analytics Read", {"Last runs"}),
        ("Access: Organizations, Identity Providers, and Groups Read", {"SCIM settings", "Arrival"}),
        ("Access: Audit Logs Read", {"User", "Devices"}),
        ("Zero Trust Read", set[str]()),  # for the lane's own token reads it
        ("Account API Tokens Read", set[str]()),
        ("Access: SCIM Logs Read", set[str]()),
    ],
)
def test_a_right_that_the_administrators_token_lacks_leaves_its_links_unseen_and_is_named(missing: str, titles: set[str]) -> None:
    it = whole()
    administrator_with(it, *(set(READING) - {missing}))
    outcome = check(it, "--user", ADA)
    assert outcome.status == 0
    assert unseen(outcome) == titles
    for title in sorted(titles)[:1]:
        assert missing in next(line for line in outcome.output.splitlines() if title in line and line.startswith("· "))


def test_without_lane_or_right_the_rules_are_not_seen() -> None:
    it = whole(lists=False)
    administrator_with(it, *(set(READING) - {"Zero Trust Read"}))
    outcome = check(it)
    assert unseen(outcome) >= {"Rule high", "Rule medium", "Rule low", "TLS decryption"}
    assert "Zero Trust Read" in outcome.line("Rule high")


@pytest.mark.parametrize("form", ["403 10000", "400 10000", "403 9109"])
def test_a_missing_right_is_known_in_each_form_in_which_it_is_told(form: Literal["403 10000", "400 10000", "403 9109"]) -> None:
    it = whole()
    it.cloudflare.behaviour.missing_right = form
    administrator_with(it, *(set(READING) - {"Workers Scripts Read"}))
    assert unseen(check(it, "--user", ADA)) == {"Worker", "Cron", "Last runs"}


def test_without_the_right_to_read_tokens_what_the_lanes_token_opens_is_tried() -> None:
    it = whole()
    administrator_with(it, *(set(READING) - {"Account API Tokens Read"}))
    assert "whether it may write shows only when a list changes" in check(it).line("Lane token")
    it.cloudflare.token.permissions.add("Workers Scripts Read")
    assert check(it).line("Lane token").startswith("! Lane token     more than needed: Workers Scripts.")


@pytest.mark.parametrize("form", ["accepted", 401, 403])
def test_provisioning_takes_a_role_and_perhaps_a_scope(form: Literal["accepted", 401, 403]) -> None:
    it = whole()
    it.tenant.behaviour.synchronization_without_scope = form
    assert unseen(check(it, "--user", ADA)) == (set() if form == "accepted" else {"SCIM app", "Provisioning", "Mapping"})
    it.tenant.behaviour.synchronization_without_scope = "accepted"
    reader = it.tenant.add_user("Global Reader")
    it.tenant.assign_role(reader, "Global Reader")
    it.az = AzureCli(it.tenant, reader)
    outcome = check(it, "--user", ADA)
    assert unseen(outcome) == {"SCIM app", "Provisioning", "Mapping"}
    assert "Cloud Application Administrator" in outcome.line("SCIM app")


def signed_out(it: Whole) -> None:
    it.az = AzureCli(it.tenant, None)


def without_az(it: Whole) -> None:
    it.az = None


def in_another_tenant(it: Whole) -> None:
    other = whole()
    assert other.az
    other.tenant.id = "99999999-2222-4333-8444-555555555555"
    it.az = other.az


@pytest.mark.parametrize(
    ("how", "says"),
    [(signed_out, "az login"), (without_az, "The Azure CLI is not installed"), (in_another_tenant, "AADSTS90002")],
)
def test_without_an_administrator_of_entra_provisioning_is_not_seen_in_one_line(how: Callable[[Whole], None], says: str) -> None:
    it = whole()
    how(it)
    outcome = check(it, "--user", ADA)
    assert outcome.status == 0
    assert unseen(outcome) == {*PROVISIONING}
    assert says in outcome.line(PROVISIONING[0])
    assert "--sign-in browser" in outcome.line(PROVISIONING[0])


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"CLOUDFLARE_API_TOKEN": ""}, "as CLOUDFLARE_API_TOKEN"),
        ({"CLOUDFLARE_ACCOUNT_ID": ""}, "CLOUDFLARE_ACCOUNT_ID in the environment"),
        ({"CLOUDFLARE_API_TOKEN": "two words"}, "CLOUDFLARE_API_TOKEN is no API token"),
        ({"CLOUDFLARE_ACCOUNT_ID": "contoso"}, "not 32 hexadecimal digits"),
        ({"CLOUDFLARE_API_TOKEN": "cfat_none"}, "use one that has it"),
    ],
)
def test_without_an_administrator_of_cloudflare_its_links_are_not_seen(given: Mapping[str, str], says: str) -> None:
    it = whole(lists=False)
    outcome = it.run("check", environment={**it.environment, **given})
    assert outcome.status == 0
    assert unseen(outcome) >= {"Worker", "Cron", "Last runs", "SCIM settings", "Arrival", "Rule high", "TLS decryption"}
    assert says in outcome.line("Worker")


def test_the_account_may_stand_in_wranglers_file() -> None:
    it = whole(lists=False)
    with open("wrangler.toml", "w") as file:  # noqa: PTH123
        file.write(f'name = "risky-users"\naccount_id = "{it.cloudflare.id}"\n')
    del it.environment["CLOUDFLARE_ACCOUNT_ID"]
    assert check(it).line("Cron").startswith("✓")


@pytest.mark.parametrize("kind", ["status", "drop", "html", "garbage", "not an object", "no value"])
@pytest.mark.parametrize("service", ["tenant", "cloudflare"])
def test_a_service_in_trouble_is_told_and_soon(service: Literal["tenant", "cloudflare"], kind: Kind) -> None:
    it = whole()
    path = "/servicePrincipals/*" if service == "tenant" else "/accounts/*"
    getattr(it, service).faults = [Fault(kind, path=path)]
    began = it.ticks.clock.time
    outcome = check(it, "--user", ADA)
    assert outcome.status == 0, outcome.text
    assert unseen(outcome) >= ({"Provisioning"} if service == "tenant" else {"Worker", "Cron", "Lane token", "Rule high"})
    assert it.ticks.clock.time - began < 60


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["azureAD", "Active", "2026-13-99", "PT", "isolate"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "type", "status", "schedule", "value", "name"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.any_request  # what is asked for may be nonsense, too
@settings(max_examples=15, phases=[Phase.generate], deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_answers_that_make_no_sense_are_borne(data: st.DataObject) -> None:
    it = whole()
    honest = it._answer

    def answer(request: httpx.Request) -> httpx.Response:
        response = honest(request)
        worker = request.url.path.endswith(("token", "$batch"))
        if worker or not response.is_success or data.draw(st.integers(0, 3)):
            return response
        told = response.json()
        member = "value" if "value" in told else "data" if "data" in told else "result"
        if member in told:
            told[member] = data.draw(JSONS)
        else:
            told = {**told, **{name: data.draw(JSONS) for name in data.draw(st.sets(st.sampled_from(sorted(told)), max_size=2))}}
        return httpx.Response(200, text=json.dumps(told))

    it._answer = answer  # type: ignore[method-assign]  # the way to all services
    outcome = check(it, "--user", ADA)
    assert outcome.status in (0, 1)
    assert "This was not foreseen" not in outcome.complaints
    assert len(outcome.output.splitlines()) > 10
