"""Settings: everything wrong with a deployment is said at once, and the secret is never shown."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import ConfigError
from settings import CLOUDS, Settings, read_settings

GOOD = {
    "AZURE_AD_TENANT_ID": "1b6e1c5a-7c1e-4f4e-9a53-1d4cf0a3a001",
    "AZURE_AD_CLIENT_ID": "1b6e1c5a-7c1e-4f4e-9a53-1d4cf0a3a002",
    "AZURE_AD_CLIENT_SECRET": "a+b&c=d%e~f",
}


def read(**variables: object) -> Settings:
    return read_settings({**GOOD, **variables}.get)


def problems(**variables: object) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(**variables)
    return caught.value.problems


def test_the_three_required_variables_are_enough() -> None:
    settings = read()
    assert (settings.tenant_id, settings.client_id, settings.client_secret) == tuple(GOOD.values())
    assert settings.cloud == CLOUDS["global"]
    assert (settings.dry_run, settings.log_level, settings.max_subrequests, settings.max_removals) == (False, "info", 45, None)


def test_the_placeholders_of_the_configuration_and_the_missing_secret_are_reported_together() -> None:
    found = problems(AZURE_AD_TENANT_ID="<TENANT-ID>", AZURE_AD_CLIENT_ID="<CLIENT-ID>", AZURE_AD_CLIENT_SECRET=None)
    assert [problem.split(" ")[0] for problem in found] == ["AZURE_AD_TENANT_ID", "AZURE_AD_CLIENT_ID", "AZURE_AD_CLIENT_SECRET"]
    assert "placeholder" in found[0]
    assert "npx wrangler secret put AZURE_AD_CLIENT_SECRET" in found[2]


@pytest.mark.parametrize("blank", [None, "", "  ", "\ufeff\u200b"])
@pytest.mark.parametrize("name", GOOD)
def test_a_blank_variable_counts_as_missing(name: str, blank: object) -> None:
    assert [problem.startswith(f"{name} is missing") for problem in problems(**{name: blank})] == [True]


@pytest.mark.parametrize("tenant", ["common/..", "no spaces.example", "contoso", "-a.example", GOOD["AZURE_AD_TENANT_ID"] + "0"])
def test_a_tenant_that_is_neither_id_nor_domain_is_refused(tenant: str) -> None:
    assert "neither a tenant ID" in problems(AZURE_AD_TENANT_ID=tenant)[0]


def test_a_verified_domain_names_the_tenant_as_well() -> None:
    assert read(AZURE_AD_TENANT_ID="contoso.onmicrosoft.com").tenant_id == "contoso.onmicrosoft.com"


def test_a_client_id_that_is_no_guid_is_refused() -> None:
    assert "not a GUID" in problems(AZURE_AD_CLIENT_ID="risky-users")[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AZURE_CLOUD", "china"),
        ("DRY_RUN", "yes"),
        ("LOG_LEVEL", "verbose"),
        ("MAX_SUBREQUESTS", "4"),
        ("MAX_SUBREQUESTS", "many"),
        ("MAX_REMOVALS", "-1"),
        ("MAX_REMOVALS", "²"),
    ],
)
def test_an_optional_variable_with_a_strange_value_is_an_error_and_no_default(name: str, value: str) -> None:
    assert [problem.startswith(f"{name} must be") for problem in problems(**{name: value})] == [True]


def test_optional_variables_may_stand_in_wrangler_toml_without_quotes() -> None:
    settings = read(DRY_RUN=True, MAX_SUBREQUESTS=900, MAX_REMOVALS=0)
    assert (settings.dry_run, settings.max_subrequests, settings.max_removals) == (True, 900, 0)
    assert "MAX_REMOVALS must be" in problems(MAX_REMOVALS=True)[0]


def test_optional_variables_are_read_whatever_their_case() -> None:
    settings = read(AZURE_CLOUD="USGov", DRY_RUN="True", LOG_LEVEL="DEBUG", MAX_SUBREQUESTS="900", MAX_REMOVALS="0")
    assert settings.cloud.graph == "graph.microsoft.us"
    assert (settings.dry_run, settings.log_level, settings.max_subrequests, settings.max_removals) == (True, "debug", 900, 0)


@given(st.text(string.ascii_letters + string.punctuation, min_size=8).filter(lambda secret: secret not in repr(Settings("", "", ""))))
def test_printing_settings_does_not_show_the_secret(secret: str) -> None:
    settings = Settings(GOOD["AZURE_AD_TENANT_ID"], GOOD["AZURE_AD_CLIENT_ID"], secret)
    assert secret not in repr(settings)
    assert secret not in str(settings)
