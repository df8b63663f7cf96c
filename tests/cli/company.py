"""A company's network on this machine: Microsoft at the end of it, behind a certificate of the company's own, and a proxy on the way."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import trustme

import simulator
from runtime.serving import serving
from simulator.asgi import create_app


@dataclass
class Company:
    """Where its proxy listens (host and port), its root certificate (PEM), and whom the proxy was asked for, and how."""

    proxy: str
    root: Path
    asked: list[str] = field(default_factory=list)


@contextmanager
def company(tenant: simulator.Tenant, folder: Path) -> Iterator[Company]:
    """The network for as long as a block lasts, with the tenant at its end, whatever the name that is asked for."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(root := folder / "root.pem")
    authority.issue_cert(*sorted(tenant.hosts)).private_key_and_cert_chain_pem.write_to_path(pem := folder / "microsoft.pem")
    with serving(create_app(tenant), pem) as address:
        found = Company("", root)
        loop = asyncio.new_event_loop()
        proxy = _Proxy(int(address.rpartition(":")[2]), found.asked)
        server = loop.run_until_complete(asyncio.start_server(proxy.serve, "127.0.0.1", 0))
        found.proxy = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        yield found
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        server.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


class _Proxy:
    """A proxy for CONNECT (RFC 9110, 9.3.6) and SOCKS 5 (RFC 1928), which leads everybody to the same port of this machine."""

    def __init__(self, target: int, asked: list[str]) -> None:
        self._target, self._asked = target, asked

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        first = await reader.readexactly(1)
        if first == b"\x05":
            await reader.readexactly((await reader.readexactly(1))[0])
            writer.write(b"\x05\x00")  # nobody has to give a name
            length = (await reader.readexactly(5))[4]
            name = (await reader.readexactly(length)).decode()
            await reader.readexactly(2)
            self._asked.append(f"SOCKS {name}")
            writer.write(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")
        else:
            request = first + await reader.readuntil(b"\r\n\r\n")
            self._asked.append(request.decode().split(":")[0])
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        there, onward = await asyncio.open_connection("127.0.0.1", self._target)
        await asyncio.gather(_pass_on(reader, onward), _pass_on(there, writer))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
    except ConnectionError:
        pass
    finally:
        writer.close()
