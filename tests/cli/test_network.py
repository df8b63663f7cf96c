"""The commands reach Microsoft from machines as companies have them: proxies, certificates of their own, wrong variables."""

import asyncio
import ssl
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner, Result

from risky_users.admin.machine import Machine
from risky_users.app import app
from risky_users.connection import Connection
from risky_users.network import AsyncNetwork, Unreachable, proxy_for
from risky_users.surroundings import Surroundings
from simulator import Tenant
from tests.cli.company import Company, company
from tests.ticks import variables

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR")


class Later:
    """The machine's time, and some seconds more: Identity Protection answers one request a second."""

    ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


LATER = Later()


@pytest.fixture(scope="module")
def tenant() -> Tenant:
    return Tenant.contoso(12, clock=LATER)


@pytest.fixture(scope="module")
def network(tenant: Tenant, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with company(tenant, tmp_path_factory.mktemp("company")) as found:
        yield found


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a machine that goes straight to the network."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def check(tenant: Tenant) -> Result:
    """`risky-users check` over the real network of this machine; it must not keep anybody waiting."""
    LATER.ahead += 10
    began = time.monotonic()
    result = CliRunner().invoke(app, ["check"], obj=Surroundings(Connection(), {**variables(tenant)}))
    assert time.monotonic() - began < 6
    return result


@pytest.mark.parametrize(
    ("variable", "scheme", "how"),
    [
        ("HTTPS_PROXY", "http://", "CONNECT"),
        ("HTTPS_PROXY", "", "CONNECT"),
        ("HTTPS_PROXY", "socks5://", "SOCKS"),
        ("ALL_PROXY", "socks5h://", "SOCKS"),
    ],
)
def test_proxies_and_a_companys_certificate_are_no_hindrance(
    tenant: Tenant, network: Company, monkeypatch: pytest.MonkeyPatch, variable: str, scheme: str, how: str
) -> None:
    monkeypatch.setenv(variable, f"{scheme}{network.proxy}")
    monkeypatch.setenv("SSL_CERT_FILE", str(network.root))
    monkeypatch.setenv("NO_PROXY", "localhost, ::1, [fe80::1]:8080, fd00::/8, 10.0.0.0/8")
    network.asked.clear()
    result = check(tenant)
    assert "accepted for the app" in result.output, result.output
    assert set(network.asked) == {f"{how} login.microsoftonline.com", f"{how} graph.microsoft.com"}


@pytest.mark.skipif(sys.platform != "linux", reason="only there can the system's store be another one for a while")
def test_a_certificate_that_only_the_system_knows_is_trusted(tenant: Tenant, network: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python of its own looks where its OpenSSL was built to look, which in many an installation is nowhere."""
    monkeypatch.setattr("truststore._openssl._CA_FILE_CANDIDATES", [str(network.root)])
    nowhere = ssl.DefaultVerifyPaths("", "", "SSL_CERT_FILE", "", "SSL_CERT_DIR", "")
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: nowhere)
    monkeypatch.setattr("risky_users.network._trust", sys.modules["risky_users.network"]._trust.__wrapped__)
    monkeypatch.setenv("HTTPS_PROXY", network.proxy)
    assert "accepted for the app" in check(tenant).output


def test_a_certificate_that_nobody_knows_is_told_at_once(tenant: Tenant, network: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://{network.proxy}")
    [line] = [line for line in check(tenant).output.splitlines() if "Tenant" in line]
    assert "Cannot connect to login.microsoftonline.com through the proxy" in line
    assert "its certificate is not trusted on this machine" in line
    assert line.endswith("put your company's root certificate into the system's store, or into a PEM file that SSL_CERT_FILE names.")


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_a_variable_that_names_no_file_is_one_sentence(tenant: Tenant, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    monkeypatch.setenv(name, str(tmp_path / "nowhere.pem"))
    result = check(tenant)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"risky-users: {name} names {tmp_path / 'nowhere.pem'}, which is not there: "
        "correct this variable of the environment, or unset it.\n"
    )


def test_a_file_without_certificates_is_one_sentence(tenant: Tenant, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "empty.pem"))
    [sentence] = check(tenant).stderr.splitlines()
    assert "empty.pem, which holds no certificate in PEM" in sentence


@pytest.mark.parametrize(
    "proxy", ["http://user:pa55word@127.0.0.1:9", "socks5://127.0.0.1:9", "socks4://127.0.0.1:9", "http://[::1", "ftp://x"]
)
def test_a_proxy_that_does_not_work_is_told_at_once_without_its_password(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    result = check(tenant)
    assert result.exit_code == 1
    [line] = [line for line in result.output.splitlines() if "Tenant" in line]
    assert "Cannot connect to login.microsoftonline.com through the proxy " in line
    assert line.endswith("check HTTPS_PROXY and NO_PROXY, or the system's proxy settings.")
    assert "pa55word" not in result.output + result.stderr


def test_a_resolver_that_hangs_is_not_waited_for(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("risky_users.connection.CONNECT_SECONDS", 0.1)
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: time.sleep(3))
    began = time.monotonic()
    result = check(tenant)
    assert time.monotonic() - began < 2.5
    assert "Cannot connect to login.microsoftonline.com: no connection within" in result.output


@pytest.mark.any_request
def test_administrators_clients_go_the_same_way(tenant: Tenant, network: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"https://login.microsoftonline.com/{tenant.id}/v2.0/.well-known/openid-configuration"
    monkeypatch.setenv("HTTPS_PROXY", f"socks5://{network.proxy}")
    with Machine().client() as client, pytest.raises(Unreachable, match="its certificate is not trusted on this machine"):
        client.get(address)
    monkeypatch.setenv("SSL_CERT_FILE", str(network.root))
    with Machine().client() as client:
        assert client.get(address).status_code == 200
    monkeypatch.setenv("HTTPS_PROXY", "http://user:pa55word@127.0.0.1:9")
    with Machine().client() as client, pytest.raises(Unreachable) as told:
        client.get(address)
    assert "Cannot connect to login.microsoftonline.com through the proxy http://127.0.0.1:9: " in str(told.value)


def test_hosts_that_go_without_the_proxy_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:8080")
    monkeypatch.setenv("NO_PROXY", ".microsoft.com,::1")
    assert proxy_for(httpx.URL("https://graph.microsoft.com/v1.0")) == ""
    assert proxy_for(httpx.URL("https://login.microsoftonline.com/")) == "http://proxy.example:8080"
    assert proxy_for(httpx.URL("http://127.0.0.1/")) == ""


@pytest.mark.any_request
def test_connections_are_closed(tenant: Tenant, network: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", network.proxy)
    monkeypatch.setenv("SSL_CERT_FILE", str(network.root))

    async def ask() -> AsyncNetwork:
        way = AsyncNetwork()
        async with httpx.AsyncClient(transport=way) as client:
            await client.get("https://login.microsoftonline.com/")
        return way

    way = asyncio.run(ask())
    assert all(not transport._pool.connections for transport in way._ways.values())
