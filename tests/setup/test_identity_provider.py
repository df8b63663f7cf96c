"""Cloudflare's side of provisioning, before a simulated account whose people go on logging in."""

import pytest

from risky_users.admin.cloudflare import Cloudflare
from risky_users.admin.errors import AdminError, Uncertain
from risky_users.admin.identity_provider import Provider, arrived, entra_providers, switch_scim_on, the_provider
from simulator import Fault
from simulator.cloudflare import Account
from simulator.scim import ScimGroup
from tests.setup.desk import Desk

RIGHTS = "Access: Organizations, Identity Providers, and Groups Write"
LOGIN = "the-apps-own~secret"


class Office:
    """An account with one provider, SCIM off, and an administrator who may change it."""

    def __init__(self, *, scim: bool = False) -> None:
        self.desk = Desk()
        self.account = Account(self.desk.clock.now)
        self.account.add_provider(scim=scim)
        self.desk.network.services = [self.account]
        self.cloudflare = Cloudflare(self.desk.machine, self.account.id, self.account.create_token("administrator", RIGHTS).value)

    @property
    def provider(self) -> Provider:
        return the_provider(self.cloudflare)


def test_switching_scim_on_gives_endpoint_and_secret_and_leaves_all_else_as_it_was() -> None:
    office = Office()
    real, before = office.account.provider, {**office.account.provider.config}
    access = switch_scim_on(office.cloudflare, office.provider, LOGIN)
    assert (access.endpoint, access.secret) == (real.scim_base_url, real.scim_secret)
    assert (real.config, real.client_secret) == (before, LOGIN)
    assert (real.identity_update_behavior, real.user_deprovision) == ("automatic", False)
    assert office.provider.shortcomings(base_group=False) == []
    assert access.secret not in repr(access)
    assert not office.account.violations


@pytest.mark.parametrize("secret", ["", "  "])
def test_without_the_client_secret_nothing_is_sent_and_the_steps_are_told(secret: str) -> None:
    office = Office()
    provider = office.provider
    office.account.writes = 0
    with pytest.raises(AdminError, match=r"nobody could log in any more.*Regenerate secret"):
        switch_scim_on(office.cloudflare, provider, secret)
    assert office.account.writes == 0


def test_where_scim_is_on_or_the_provider_is_not_to_be_changed_the_steps_are_told() -> None:
    office = Office(scim=True)
    with pytest.raises(AdminError, match="is on for Entra ID already"):
        switch_scim_on(office.cloudflare, office.provider, LOGIN)
    office.account.provider.scim_enabled, office.account.provider.read_only = False, True
    with pytest.raises(AdminError, match="cannot be changed by the API"):
        switch_scim_on(office.cloudflare, office.provider, LOGIN)
    assert office.account.writes == 0


def test_a_secret_whose_answer_is_lost_is_told_to_be_made_anew() -> None:
    office = Office()
    provider = office.provider
    office.account.faults = [Fault("drop after", "PUT")]
    with pytest.raises(Uncertain):
        switch_scim_on(office.cloudflare, provider, LOGIN)
    office.account.faults = []
    with pytest.raises(AdminError, match="Regenerate secret"):
        switch_scim_on(office.cloudflare, office.provider, LOGIN)
    assert office.account.provider.client_secret == LOGIN


def test_what_keeps_groups_from_acting_is_named() -> None:
    office = Office()
    real = office.account.provider
    assert "SCIM is off" in office.provider.shortcomings(base_group=True)[0]
    real.scim_enabled, real.identity_update_behavior, real.user_deprovision = True, "reauth", True
    told = office.provider.shortcomings(base_group=False)
    assert len(told) == 2
    assert "reauth" in told[0]
    assert "base group" in told[1]
    assert len(office.provider.shortcomings(base_group=True)) == 1


def test_which_provider_is_meant_has_to_be_clear() -> None:
    office = Office()
    second = office.account.add_provider("Entra of a subsidiary")
    with pytest.raises(AdminError, match="Entra of a subsidiary"):
        the_provider(office.cloudflare)
    assert the_provider(office.cloudflare, second.id).name == second.name
    assert the_provider(office.cloudflare, second.name).id == second.id
    office.account.state.providers.clear()
    assert entra_providers(office.cloudflare) == []
    with pytest.raises(AdminError, match="there are: none"):
        the_provider(office.cloudflare)


def test_groups_that_have_arrived_are_told_by_their_ids_in_entra() -> None:
    office = Office(scim=True)
    real = office.account.provider
    endpoint = office.account.door(real.scim_base_url, real.scim_secret or "")
    endpoint.put_group(ScimGroup("g-high", "risky-high", frozenset()), None, office.desk.clock.now())
    assert arrived(office.cloudflare, office.provider, ["g-high", "g-low"]) == {"g-high"}
