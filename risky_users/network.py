"""The way to the network from whatever machine this is: through its proxies, trusting what its system trusts."""

import asyncio
import os
import ssl
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TypeVar
from urllib.request import getproxies, proxy_bypass

import httpx
import truststore

from errors import ConfigError
from risky_users.admin.errors import AdminError

E = TypeVar("E", bound=BaseException)

CONNECT_SECONDS = 5.0
"""How long a connection may take to come about."""


class Unreachable(AdminError):
    """A first connection did not come about: whatever is wrong there does not pass in seconds."""


class Network(httpx.BaseTransport):
    """Sends each request straight or through a proxy, as the system's settings or HTTPS_PROXY, ALL_PROXY and NO_PROXY say.

    httpx would read these once for all hosts, and stumble over addresses in NO_PROXY that none of our hosts has.
    """

    def __init__(self) -> None:
        """Raises ConfigError."""
        self._trust, self._ways, self._answered = trust(), dict[str, httpx.HTTPTransport](), False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Raises Unreachable, or what httpx raises."""
        proxy = proxy_for(request.url)
        try:
            if proxy not in self._ways:
                self._ways[proxy] = httpx.HTTPTransport(verify=self._trust, trust_env=False, proxy=_proxy(proxy, self._trust))
            response = self._ways[proxy].handle_request(request)
        except httpx.HTTPError as error:
            if not self._answered and (why := no_connection(error, request.url)):
                raise Unreachable(why) from error
            raise
        self._answered = True
        return response

    def close(self) -> None:
        """Close all connections."""
        for way in self._ways.values():
            way.close()


class AsyncNetwork(httpx.AsyncBaseTransport):
    """The same without blocking, and without a word of its own on what goes wrong. It is made where a loop runs."""

    def __init__(self) -> None:
        """Raises ConfigError."""
        asyncio.get_running_loop().set_default_executor(_Impatient())
        self._trust, self._ways = trust(), dict[str, httpx.AsyncHTTPTransport]()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises what httpx raises."""
        proxy = proxy_for(request.url)
        if proxy not in self._ways:
            self._ways[proxy] = httpx.AsyncHTTPTransport(verify=self._trust, trust_env=False, proxy=_proxy(proxy, self._trust))
        return await self._ways[proxy].handle_async_request(request)

    async def aclose(self) -> None:
        """Close all connections."""
        for way in self._ways.values():
            await way.aclose()


class _Impatient(ThreadPoolExecutor):
    """Names are looked up in threads, which a resolver without a server can hold for half a minute: nobody waits for that to say
    that there is no connection."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        super().shutdown(wait=False, cancel_futures=True)


def _proxy(proxy: str, trusted: ssl.SSLContext) -> httpx.Proxy | None:
    """Raises httpx.ProxyError."""
    try:
        return httpx.Proxy(proxy, ssl_context=trusted if proxy.startswith("https:") else None) if proxy else None
    except (ValueError, httpx.InvalidURL) as error:
        raise httpx.ProxyError(f"this is no proxy that can be used ({error})") from error


def proxy_for(url: httpx.URL) -> str:
    """The address of the proxy for this URL, empty where there is none."""
    if proxy_bypass(url.host):
        return ""
    known = getproxies()
    proxy = known.get(url.scheme) or known.get("all") or known.get("socks") or ""
    if proxy and "://" not in proxy:
        return f"http://{proxy}"
    return proxy.replace("socks://", "socks5://", 1)  # as Windows' registry has it


def no_connection(error: httpx.HTTPError, url: httpx.URL) -> str:
    """What went wrong and what to do, in a sentence, where no connection to this URL came about; nothing where it did."""
    if not isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)):
        return ""
    proxy = proxy_for(url)
    there = f"Cannot connect to {url.host}{f' through the proxy {_without_credentials(proxy)}' if proxy else ''}"
    reason = str(error) or f"no connection within {CONNECT_SECONDS:.0f} s"
    if untrusted := _cause(error, ssl.SSLCertVerificationError):
        remedy = "put your company's root certificate into the system's store, or into a PEM file that SSL_CERT_FILE names"
        return f"{there}: its certificate is not trusted on this machine ({untrusted.verify_message}); {remedy}."
    if proxy:
        return f"{there}: {reason}; check HTTPS_PROXY and NO_PROXY, or the system's proxy settings."
    return f"{there}: {reason}; check this machine's network, and whether it needs a proxy (HTTPS_PROXY)."


def _without_credentials(proxy: str) -> str:
    scheme, separator, rest = proxy.rpartition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


def _cause(error: BaseException | None, kind: type[E]) -> E | None:
    """The error of this kind that is behind the error."""
    while error is not None and not isinstance(error, kind):
        error = error.__cause__ or error.__context__
    return error


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
