"""Puts Cloudflare's Python SDK into python_modules, from where wrangler uploads it beside the Worker.

wrangler runs this before every `deploy` and `dev`. It needs Python 3.11 or newer with pip or uv. The runtime itself does not
bring the SDK (https://developers.cloudflare.com/workers/languages/python/), and wrangler would upload a Worker without it
that dies at its first import. The package index is asked only when python_modules is not exactly what was put there last.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "python_modules"
STAMP = ROOT / ".wrangler" / "vendored"

NEVER_IMPORTED = (
    *("*.dist-info", "bin", ".lock", "**/__pycache__", "*.pyi", "workers/py.typed"),
    *("asgi.py", "workers/asgi.py", "workers/wsgi.py", "workers/gateway"),  # for Workers that serve HTTP
    "workers/workflows.js",  # for Workflows
    "_workers_sdk_*",  # patches of numpy, pydantic, aiohttp and other packages that this Worker does not have
)
"""Parts of the SDK that this Worker has no use for."""


def main() -> None:
    requirements: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    if STAMP.exists() and STAMP.read_text("utf-8") == _fingerprint(requirements):
        return
    with tempfile.TemporaryDirectory(dir=ROOT, prefix=".vendor-") as place:
        fresh = Path(place) / "python_modules"
        _install(requirements, fresh)
        for pattern in NEVER_IMPORTED:
            for path in list(fresh.glob(pattern)):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        if TARGET.exists():
            shutil.rmtree(TARGET)
        shutil.move(fresh, TARGET)
    STAMP.parent.mkdir(exist_ok=True)
    STAMP.write_text(_fingerprint(requirements), "utf-8")
    print(f"python_modules now holds {', '.join(requirements)}")


def _install(requirements: list[str], folder: Path) -> None:
    """With uv, or else with pip; both leave the Python they run under as it is. Exits where there is neither, or both fail."""
    commands = []
    for uv in (shutil.which("uv"), str(ROOT / ".tools" / "bin" / "uv")):
        if uv and Path(uv).exists():
            commands.append([uv, "pip", "install", "--quiet", "--no-deps", "--python", sys.executable, "--target", str(folder)])
    quiet = ["--quiet", "--disable-pip-version-check", "--no-compile", "--root-user-action", "ignore"]
    # Debian refuses installations into its own Python even where the target is elsewhere; older pips do not know the permission.
    # In a virtual environment without pip, the Python it was made from may have it.
    for python in dict.fromkeys((sys.executable, f"{sys.base_prefix}/bin/python3")):
        commands.append([python, "-m", "pip", "install", *quiet, "--break-system-packages", "--no-deps", "--target", str(folder)])
        commands.append([python, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder)])
    told = ""
    for command in commands:
        done = subprocess.run([*command, *requirements], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        told += f"\n$ {' '.join(command[:4])} …\n{done.stderr.strip()}\n"
    sys.exit(
        f"Cloudflare's Python SDK ({', '.join(requirements)}) could not be fetched from the package index: the Worker would not start "
        f"without it.\nInstall pip (python3-pip on Debian) or uv, and see that the index can be reached.\n{told}"
    )


def _fingerprint(requirements: list[str]) -> str:
    """Of what is wanted and of what is there: any change to either makes a new one."""
    digest = hashlib.sha256("\n".join([*requirements, *NEVER_IMPORTED]).encode())
    for path in sorted(TARGET.rglob("*")):
        if path.is_file():
            digest.update(f"\n{path.relative_to(TARGET).as_posix()}\n".encode() + path.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    main()
