"""An npm registry on the loopback that has what the project's lock file pins, and nothing else, as npm has it in its cache."""

import base64
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from urllib.parse import unquote

from tests.deployment.checkout import ROOT
from tests.deployment.loopback import Handler, serving

NOT_OF_THE_PACKAGE = {"dev", "integrity", "license", "optional", "peer"}
"""What a lock file says of a package beside the package's own manifest."""


@contextmanager
def serve() -> Iterator[str]:
    """Its address, for as long as a block lasts."""
    lock = json.loads((ROOT / "package-lock.json").read_text("utf-8"))["packages"]
    pinned = {place.rpartition("node_modules/")[2]: package for place, package in lock.items() if place}

    class Documents(Handler):
        def do_GET(self) -> None:  # noqa: N802  # the name that http.server calls
            name, _, tarball = unquote(self.path).removeprefix("/").partition("/-/")
            if name not in pinned:
                self.send_error(404)
            elif tarball:
                self.answer("application/octet-stream", _cached(name, pinned[name]))
            else:
                self.answer("application/json", json.dumps(self.document(name, pinned[name])).encode())

        def document(self, name: str, package: dict[str, object]) -> dict[str, object]:
            host = self.headers["Host"]
            release = {key: value for key, value in package.items() if key not in NOT_OF_THE_PACKAGE}
            dist = {"tarball": f"http://{host}/{name}/-/package.tgz", "integrity": package["integrity"]}
            version = package["version"]
            return {
                "name": name,
                "dist-tags": {"latest": version},
                "versions": {version: {"name": name, "dist": dist, **release}},
            }

    with serving(Documents) as address:
        yield f"{address}/"


def _cached(name: str, package: dict[str, object]) -> bytes:
    """A package as `make install` has fetched it, or as npm fetches it now where its cache was emptied since."""
    algorithm, _, encoded = str(package["integrity"]).partition("-")
    digest = base64.b64decode(encoded).hex()
    content = _cache() / "_cacache" / "content-v2" / algorithm / digest[:2] / digest[2:4] / digest[4:]
    if not content.exists():
        subprocess.run(["npm", "cache", "add", f"{name}@{package['version']}"], capture_output=True, timeout=100, check=True)  # noqa: S607  # npm, whichever is used
    return content.read_bytes()


@cache
def _cache() -> Path:
    told = subprocess.run(["npm", "config", "get", "cache"], capture_output=True, text=True, timeout=60, check=True)  # noqa: S607  # as above
    return Path(told.stdout.strip())
