"""A package index on the loopback that has one release of Cloudflare's SDK, much smaller than the real ones."""

import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.deployment.loopback import Handler, serving

NAME, VERSION = "workers-runtime-sdk", "9.9.9"
WHEEL = f"workers_runtime_sdk-{VERSION}-py3-none-any.whl"
FILES: Mapping[str, str] = {
    "workers/__init__.py": "from .fetch import fetch\n",
    "workers/fetch.py": "def fetch(): ...\n",
    "workers/types.py": "Answer = str\n",
}


def wheel(files: Mapping[str, str] = FILES) -> bytes:
    """The release, the same bytes for the same files."""
    about = f"workers_runtime_sdk-{VERSION}.dist-info"
    metadata = {
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {VERSION}\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    content = {**files, **metadata}
    content[f"{about}/RECORD"] = "".join(f"{name},,\n" for name in [*content, f"{about}/RECORD"])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in content.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return buffer.getvalue()


def source_package(script: str) -> tuple[str, bytes]:
    """The name and the content of a source release; whoever builds it runs `script`, and needs nothing else for it."""
    files = {
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {VERSION}\n",
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
        "backend.py": script,
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"workers_runtime_sdk-{VERSION}/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return f"workers_runtime_sdk-{VERSION}.tar.gz", buffer.getvalue()


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass
class Index:
    """What it has, who asked for it, and whether it lets them wait."""

    url: str = ""
    name: str = WHEEL
    release: bytes = field(default_factory=wheel)
    asked: list[tuple[str, str]] = field(default_factory=list)
    """What was asked for, as it stood in the request, and by which tool."""
    open: threading.Event = field(default_factory=threading.Event)

    @property
    def tools(self) -> set[str]:
        """The names of the programs that have asked."""
        return {agent.split("/")[0] for _, agent in self.asked}


@contextmanager
def serve() -> Iterator[Index]:
    """An index for as long as a block lasts."""
    index = Index()
    index.open.set()

    class Pages(Handler):
        def do_GET(self) -> None:  # noqa: N802  # the name that http.server calls
            index.asked.append((self.path, self.headers.get("User-Agent", "")))
            index.open.wait(30)
            path = urlsplit(self.path).path  # whole addresses are what a proxy is asked for
            if path == f"/simple/{NAME}/":
                self.answer("text/html", f'<a href="/files/{index.name}">{index.name}</a>'.encode())
            elif path == f"/files/{index.name}":
                self.answer("application/octet-stream", index.release)
            else:
                self.send_error(404)

    with serving(Pages) as address:
        index.url = f"{address}/simple"
        try:
            yield index
        finally:
            index.open.set()
