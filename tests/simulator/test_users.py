"""Users: who they are and where their mail goes, for those who may read it."""

import pytest

from simulator import User
from tests.simulator.client import Client, contoso, item

pytestmark = pytest.mark.any_request

SELECT = "$select=id,mail,userPrincipalName"
LIMITED = {"displayName": None, "givenName": None, "mail": None, "surname": None, "userPrincipalName": None}


def signed_in(*permissions: str) -> tuple[Client, list[User]]:
    """A tenant with a user of each sort: the same name for both, a mailbox of another name, a guest, none at all, deleted."""
    client = contoso(0, *(permissions or ("User.ReadBasic.All",)))
    tenant = client.tenant
    users = [
        tenant.add_user("Lise Lund"),
        tenant.add_user("Bela Berg", mail="Bela@Contoso.com", principal_name="B.Berg@Contoso.com"),
        tenant.add_guest("Grace@Partner.example", "Grace Example"),
        tenant.add_user("Hugo Haas", mail=None),
        tenant.add_user("Ines Ito"),
    ]
    tenant.delete_user(users[-1])
    return client, users


def by_ids(*users: User) -> str:
    return f"/users?$filter=id in ({','.join(repr(user.id) for user in users)})&{SELECT}"


def test_users_are_looked_up_by_their_ids_in_each_ones_own_spelling_without_the_deleted() -> None:
    client, users = signed_in()
    answer = client.get(by_ids(*users))
    assert answer.body["@odata.context"] == "https://graph.microsoft.com/v1.0/$metadata#users"
    assert {str(entry.pop("id")): entry for entry in answer.values} == {
        users[0].id: {"mail": "lise.lund@contoso.onmicrosoft.com", "userPrincipalName": "lise.lund@contoso.onmicrosoft.com"},
        users[1].id: {"mail": "Bela@Contoso.com", "userPrincipalName": "B.Berg@Contoso.com"},
        users[2].id: {"mail": "Grace@Partner.example", "userPrincipalName": "Grace_Partner.example#EXT#@contoso.onmicrosoft.com"},
        users[3].id: {"mail": None, "userPrincipalName": "hugo.haas@contoso.onmicrosoft.com"},
    }
    assert not client.tenant.violations


def test_one_user_is_read_by_id_and_whoever_is_deleted_is_not_found() -> None:
    client, [user, *_, deleted] = signed_in()
    answer = client.get(f"/users/{user.id}?{SELECT}")
    assert answer.body == {
        "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users/$entity",
        "id": user.id,
        "mail": user.mail,
        "userPrincipalName": user.principal_name,
    }
    assert (answer := client.get(f"/users/{deleted.id}?{SELECT}")).status == 404
    assert answer.code == "Request_ResourceNotFound"
    assert not client.tenant.violations


def test_a_mailbox_that_is_renamed_or_taken_away_is_so_at_once() -> None:
    client, [user, *_] = signed_in()
    for mail in ("new@contoso.com", None):
        client.tenant.rename_mailbox(user, mail)
        assert client.get(by_ids(user)).values == [{"id": user.id, "mail": mail, "userPrincipalName": user.principal_name}]


def test_a_user_has_the_documented_properties() -> None:
    client, [user, *_] = signed_in()
    [entry] = client.get(f"/users?$filter=userPrincipalName eq '{user.principal_name.upper()}'").values
    assert entry == {
        "businessPhones": [],
        "displayName": "Lise Lund",
        "givenName": "Lise",
        "jobTitle": None,
        "mail": user.mail,
        "mobilePhone": None,
        "officeLocation": None,
        "preferredLanguage": None,
        "surname": "Lund",
        "userPrincipalName": user.principal_name,
        "id": user.id,
    }


def test_users_are_listed_page_by_page() -> None:
    client, _ = signed_in()
    standing = {user.id for user in [client.tenant.add_user() for _ in range(200)] + client.tenant.users if not user.deleted}
    pages = client.pages("/users")
    assert [len(page.values) for page in pages] == [100, 100, len(standing) - 200]
    assert {str(user) for page in pages for user in page.ids} == standing
    assert len(client.get("/users?$top=999").values) == len(standing)
    assert client.get("/users?$top=1000").status == 400


@pytest.mark.parametrize("permission", ["IdentityRiskyUser.Read.All", "Group.Create", "GroupMember.ReadWrite.All", "Group.Read.All"])
def test_nobody_else_may_read_users(permission: str) -> None:
    client, users = signed_in(permission)
    answer = client.get(by_ids(*users))
    assert (answer.status, answer.code) == (403, "Authorization_RequestDenied")
    assert client.answers(item(1, "GET", by_ids(*users)))["1"]["status"] == 403


@pytest.mark.parametrize("permission", ["User.ReadBasic.All", "User.Read.All", "Directory.Read.All"])
def test_any_right_to_read_users_will_do(permission: str) -> None:
    client, users = signed_in(permission)
    assert len(client.get(by_ids(*users)).values) == 4


def test_in_a_batch_300_are_looked_up_at_once_and_each_query_costs_a_unit() -> None:
    client, _ = signed_in()
    users = [client.tenant.add_user() for _ in range(300)]
    client.tenant.reset_counters()
    answers = client.answers(*(item(number, "GET", by_ids(*users[number * 15 : number * 15 + 15])) for number in range(20)))
    found = [entry["id"] for answer in answers.values() for entry in answer["body"]["value"]]  # type: ignore[index, call-overload, union-attr]  # JSON
    assert sorted(map(str, found)) == sorted(user.id for user in users)
    assert (client.tenant.subrequests, client.tenant.graph_requests, client.tenant.resource_units) == (1, 20, 20.0)
    client.tenant.reset_counters()
    client.get("/users")
    assert client.tenant.resource_units == 2.0


def test_a_query_for_more_than_15_spoils_its_own_answer_alone() -> None:
    client, _ = signed_in()
    users = [client.tenant.add_user() for _ in range(16)]
    answers = client.answers(item(1, "GET", by_ids(*users)), item(2, "GET", by_ids(*users[:15])))
    assert (answers["1"]["status"], answers["2"]["status"]) == (400, 200)
    client.tenant.behaviour.or_clauses = 16
    assert len(client.get(by_ids(*users)).values) == 16


@pytest.mark.parametrize(
    "query", ["$filter=id in ()", "$filter=color eq 'red'", "$select=id,color", "$orderby=displayName", "$search=x", "$skiptoken=1"]
)
def test_what_the_list_does_not_take_is_refused(query: str) -> None:
    assert signed_in()[0].get(f"/users?{query}").status == 400


def test_among_members_whoever_may_read_users_sees_mail_and_the_others_ids_alone() -> None:
    client, users = signed_in("GroupMember.Read.All", "User.ReadBasic.All")
    tenant = client.tenant
    group = tenant.create_group("a")
    for user in users[:4]:
        tenant.add_member(group, user)
    for other in (tenant.add_other(), tenant.create_group("b").id):
        tenant.add_member(group, other)
    entries = {str(entry.pop("id")): entry for entry in client.get(f"/groups/{group.id}/members?{SELECT}").values}
    kinds = {str(entry.pop("@odata.type")) for entry in entries.values()}
    assert kinds == {"#microsoft.graph.user", "#microsoft.graph.device", "#microsoft.graph.group"}
    assert {user.id: entries[user.id] for user in users[:4]} == {
        user.id: {"mail": user.mail, "userPrincipalName": user.principal_name} for user in users[:4]
    }
    client.app.permissions.remove("User.ReadBasic.All")
    client.token = client.sign_in()
    for entry in client.get(f"/groups/{group.id}/members?{SELECT}").values[:4]:
        assert entry == {"@odata.type": "#microsoft.graph.user", "id": entry["id"], "mail": None, "userPrincipalName": None}
    whole = client.get(f"/groups/{group.id}/members").values[0]
    assert whole | LIMITED == whole
    assert client.get(f"/groups/{group.id}/members?$select=id,color").status == 400


def test_a_risky_user_has_a_principal_name_but_no_mail() -> None:
    client, users = signed_in("IdentityRiskyUser.Read.All")
    client.tenant.set_risk(users[1], "high")
    [entry] = client.get("/identityProtection/riskyUsers?$filter=riskLevel eq 'high'&$select=id,userPrincipalName,userDisplayName").values
    assert entry == {"id": users[1].id, "userPrincipalName": "B.Berg@Contoso.com", "userDisplayName": "Bela Berg"}
    client.clock.time += 2
    assert client.get("/identityProtection/riskyUsers?$select=id,mail").status == 400
