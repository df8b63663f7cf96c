"""The administrators' client of Graph: what it asks again, what it never does, and what it says (entra-admin.md 8)."""

import pytest

from risky_users.admin.entra import Graph, key
from risky_users.admin.errors import AdminError, NotAllowed, NotSignedIn, ServiceRefused, Uncertain
from risky_users.admin.sign_in import sign_in
from settings import CLOUDS
from simulator import Fault
from simulator.faults import Kind
from tests.setup.desk import Desk

NAME = key("/applications", uniqueName="risky-users")
WANTED = {"displayName": "risky-users", "signInAudience": "AzureADMyOrg"}


def graph(desk: Desk) -> Graph:
    return Graph(desk.machine, sign_in(desk.machine, CLOUDS["global"]))


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_key_is_written_as_a_path_has_it() -> None:
    assert key("/groups", uniqueName="it's ours/ä") == "/groups(uniqueName='it''s%20ours%2F%C3%A4')"


def test_what_is_not_there_is_none_and_what_is_made_is_there(desk: Desk) -> None:
    with graph(desk) as entra:
        assert entra.find(NAME) is None
        made = entra.patch(NAME, {**WANTED}, Prefer="create-if-missing")
        assert entra.get(NAME)["id"] == made["id"]
        entra.delete(f"/applications/{made['id']}")
        entra.delete(f"/applications/{made['id']}")
        assert entra.find(NAME) is None


def test_a_list_is_read_to_its_last_page(desk: Desk) -> None:
    for number in range(7):
        desk.tenant.register_app(f"app {number}")
    with graph(desk) as entra:
        assert len(entra.all("/applications", top="3")) == 8


@pytest.mark.parametrize("kind", ["drop", "drop after", "status", "status after", "html", "truncated", "garbage", "not an object"])
def test_what_may_be_repeated_is_repeated(desk: Desk, kind: Kind) -> None:
    desk.tenant.faults = [Fault(kind, "GET", times=2)]
    with graph(desk) as entra:
        assert [each["displayName"] for each in entra.all("/applications")] == ["risky-users"]
    assert len(desk.told) == 2


@pytest.mark.parametrize("kind", ["drop after", "status after", "garbage"])
def test_what_would_make_two_is_not(desk: Desk, kind: Kind) -> None:
    desk.tenant.faults = [Fault(kind, "POST", times=1)]
    with graph(desk) as entra, pytest.raises(Uncertain):
        entra.post(f"/applications/{desk.tenant.app.application.id}/addPassword", {"passwordCredential": {"displayName": "x"}})
    assert len(desk.tenant.app.secrets) == 2


def test_throttling_is_waited_out_as_long_as_it_says_even_where_nothing_may_be_repeated(desk: Desk) -> None:
    desk.tenant.faults = [Fault("status", "POST", status=429, code="TooManyRequests", headers={"Retry-After": "37"}, times=1)]
    began = desk.clock.time
    with graph(desk) as entra:
        entra.post("/groups", {"displayName": "x", "mailNickname": "x", "mailEnabled": False, "securityEnabled": True})
    assert desk.clock.time - began == 37.0


def test_patience_has_an_end_which_says_what_and_by_which_id(desk: Desk) -> None:
    desk.tenant.faults = [Fault("status", "GET")]
    began = desk.clock.time
    with graph(desk) as entra, pytest.raises(ServiceRefused, match=r"GET /applications: 503 serviceNotAvailable.*request .*next run"):
        entra.all("/applications")
    assert desk.clock.time - began <= 240


def test_what_replicas_do_not_know_yet_is_waited_for_and_said(desk: Desk) -> None:
    desk.tenant.behaviour.admin_lag = 60.0
    with graph(desk) as entra:
        made = entra.patch(NAME, {**WANTED}, Prefer="create-if-missing")
        principal = key("/servicePrincipals", appId=str(made["appId"]))
        entra.patch(principal, {}, young="the registration", Prefer="create-if-missing")
        assert entra.get(f"/applications/{made['id']}", young="the registration")["id"] == made["id"]
    assert all("the registration is new" in line for line in desk.told)


def test_a_token_that_is_not_accepted_any_more_is_renewed_once(desk: Desk) -> None:
    with graph(desk) as entra:
        desk.tenant.tokens.issued.clear()
        assert entra.all("/applications")
        desk.tenant.faults = [Fault("expired token")]
        with pytest.raises(ServiceRefused, match="401"):
            entra.all("/applications")


def test_a_tenant_that_wants_a_new_sign_in_says_how(desk: Desk) -> None:
    header = 'Bearer realm="", error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnt9fQ=="'
    desk.tenant.faults = [Fault("status", status=401, code="InvalidAuthenticationToken", headers={"WWW-Authenticate": header})]
    with graph(desk) as entra, pytest.raises(NotSignedIn, match="az logout"):
        entra.all("/applications")


def test_whoever_may_not_is_told_so_at_once() -> None:
    desk = Desk(roles=("Global Reader",))
    with graph(desk) as entra, pytest.raises(NotAllowed, match="403 Authorization_RequestDenied"):
        entra.patch(f"/applications/{desk.tenant.app.application.id}", {"notes": "x"})
    assert desk.told == []


def test_provisioning_says_that_it_may_be_the_role_or_the_scope() -> None:
    desk = Desk(roles=("Global Reader",))
    principal = desk.tenant.add_enterprise_application()
    with graph(desk) as entra, pytest.raises(NotAllowed, match=r"401 UnknownError.*role.*or a token that says Synchronization"):
        entra.all(f"/servicePrincipals/{principal.id}/synchronization/jobs")


@pytest.mark.parametrize("kind", ["foreign link", "looping link"])
def test_a_list_that_leads_astray_or_nowhere_is_given_up(desk: Desk, kind: Kind) -> None:
    for number in range(3):
        desk.tenant.register_app(f"app {number}")
    desk.tenant.faults = [Fault(kind, "GET")]
    with graph(desk) as entra, pytest.raises(AdminError):
        entra.all("/applications", top="2")
    assert desk.tenant.violations == []


def test_the_token_is_in_no_error(desk: Desk) -> None:
    desk.network.unplugged = True
    with graph(desk) as entra, pytest.raises(Uncertain) as lost:
        entra.all("/applications")
    assert entra.person.token not in f"{lost.value}{desk.told}{entra!r}"
