"""Microsoft's published descriptions, as they lie beside this repository, and what of them is compared with ours."""

import json
import os
from pathlib import Path
from typing import TypeAlias, cast

JSON: TypeAlias = "dict[str, JSON] | list[JSON] | str | int | float | bool | None"
ADMIN = Path(os.environ.get("ADMIN_DESCRIPTION") or Path(__file__).parents[3] / "shared/entra-admin-v1.0/openapi.json")
ADMIN_PERMISSIONS = ADMIN.with_name("permissions.json")
FACTS = ("type", "enum", "maxItems", "maximum")


def read(path: Path) -> dict[str, JSON]:
    """A published file."""
    return cast(dict[str, JSON], json.loads(path.read_text()))


def child(value: JSON, *names: str) -> dict[str, JSON]:
    """An object within an object."""
    for name in names:
        assert isinstance(value, dict)
        value = value.get(name, {})
    assert isinstance(value, dict)
    return value


def facts(schema: JSON) -> JSON:
    """What counts of a schema: types, enums, maxima, what it refers to; of plain values whether they may be null."""
    assert isinstance(schema, dict)
    if reference := schema.get("$ref"):
        return str(reference).rpartition("/")[2]
    if isinstance(alternatives := schema.get("allOf"), list):
        return facts(alternatives[0])
    own: dict[str, JSON] = {name: schema[name] for name in FACTS if name in schema}
    if schema.get("type") not in ("array", "object"):
        own["nullable"] = schema.get("nullable", False)
    if "items" in schema:
        own["items"] = facts(schema["items"])
    return own
