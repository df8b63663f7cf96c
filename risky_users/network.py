"""The way to the network from whatever machine this is: through its proxies, trusting what its system trusts."""

import os
import ssl
from functools import cache
from pathlib import Path
from urllib.request import getproxies, proxy_bypass

import httpx
import truststore

from errors import ConfigError

CONNECT_SECONDS = 5.0
"""How long a connection may take to come about."""


class Network(httpx.AsyncBaseTransport):
    """Sends each request straight or through a proxy, as the system's settings or HTTPS_PROXY, ALL_PROXY and NO_PROXY say.

    httpx would read these once for all hosts, and stumble over addresses in NO_PROXY that none of our hosts has.
    """

    def __init__(self) -> None:
        self._trust = trust()
        self._ways: dict[str, httpx.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises httpx.ProxyError where the proxy cannot be used."""
        proxy = proxy_for(request.url)
        if proxy not in self._ways:
            try:
                way = httpx.Proxy(proxy, ssl_context=self._trust if proxy.startswith("https:") else None) if proxy else None
                self._ways[proxy] = httpx.AsyncHTTPTransport(verify=self._trust, trust_env=False, proxy=way)
            except (ValueError, httpx.InvalidURL) as error:
                raise httpx.ProxyError(f"this is no proxy that can be used ({error})") from error
        return await self._ways[proxy].handle_async_request(request)

    async def aclose(self) -> None:
        """Close all connections."""
        for way in self._ways.values():
            await way.aclose()


def proxy_for(url: httpx.URL) -> str:
    """The address of the proxy for this URL, empty where there is none."""
    if proxy_bypass(url.host):
        return ""
    known = getproxies()
    proxy = known.get(url.scheme) or known.get("all") or known.get("socks") or ""
    if proxy and "://" not in proxy:
        return f"http://{proxy}"
    return proxy.replace("socks://", "socks5://", 1)  # as Windows' registry has it


def without_credentials(proxy: str) -> str:
    """A proxy's address as it may be shown."""
    scheme, separator, rest = proxy.rpartition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


def trust() -> ssl.SSLContext:
    """What the system's own store vouches for, or the one that SSL_CERT_FILE and SSL_CERT_DIR name; Windows and macOS, which
    know no such variables, trust both. Raises ConfigError."""
    given = {name: os.environ.get(name, "") for name in ("SSL_CERT_FILE", "SSL_CERT_DIR")}
    return _trust(given["SSL_CERT_FILE"], given["SSL_CERT_DIR"])


@cache
def _trust(file: str, folder: str) -> ssl.SSLContext:
    for name, value, there in (("SSL_CERT_FILE", file, Path(file).is_file()), ("SSL_CERT_DIR", folder, Path(folder).is_dir())):
        if value and not there:
            raise ConfigError([f"{name} names {value}, which is not there: correct this variable of the environment, or unset it."])
    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if file or folder:
            context.load_verify_locations(file or None, folder or None)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError([f"SSL_CERT_FILE names {file}, which holds no certificate in PEM ({error}): correct or unset it."]) from error
    return context
