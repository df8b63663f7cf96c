"""The project's files as an administrator has them, in a place of their own."""

import shutil
from pathlib import Path

from tests.deployment.index import FILES, NAME, VERSION, digest

ROOT = Path(__file__).resolve().parents[2]
DEPLOYED = ("deploy", "package.json", "pyproject.toml", "src", "wrangler.toml")
IDS = {"<TENANT-ID>": "aaaaaaaa-1111-4111-8111-111111111111", "<CLIENT-ID>": "bbbbbbbb-2222-4222-8222-222222222222"}


def check_out(place: Path, source: Path = ROOT / "src") -> Path:
    """What is needed to deploy `source`, with the two ids filled in and the npm packages installed."""
    for name in DEPLOYED:
        original = source if name == "src" else ROOT / name
        if original.is_dir():
            shutil.copytree(original, place / name, ignore=shutil.ignore_patterns("__pycache__", "*.json"))
        else:
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy(original, place / name)
    fill_in(place / "wrangler.toml")
    (place / "node_modules").symlink_to(ROOT / "node_modules", target_is_directory=True)
    return place


def fill_in(configuration: Path) -> None:
    """Put the two ids in the place of the placeholders."""
    text = configuration.read_text("utf-8")
    for placeholder, value in IDS.items():
        assert text.count(placeholder) == 1
        text = text.replace(placeholder, value)
    configuration.write_text(text, "utf-8")


def pin(place: Path, release: bytes) -> None:
    """Have the checkout want a release that tests/deployment/index.py offers, instead of Cloudflare's own."""
    (place / "deploy" / "requirements.txt").write_text(f"{NAME}=={VERSION} --hash=sha256:{digest(release)}\n")
    listed = "".join(f"{digest(text.encode())}  {name}\n" for name, text in FILES.items())
    (place / "deploy" / "python_modules.sha256").write_text(listed)


def as_old_node(place: Path) -> str:
    """The NODE_OPTIONS that have Node take itself for one of 2023."""
    script = place / "old.cjs"
    script.write_text("Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } });")
    return f"--require={script}"
