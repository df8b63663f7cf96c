"""What the documents say of variables, permissions, groups, messages and the record is what the code says."""

import ast
import re
from collections.abc import Mapping

import pytest
import sqlglot
from sqlglot import exp

import access_token
from errors import ConfigError, ServiceError
from expiry import DAY_SECONDS
from groups import GROUP_NAMES
from notify import numbers
from permissions import CREATE_GROUPS, READ_GROUPS, READ_RISK, READ_USERS, WRITE_MEMBERS
from report import Report, Tally
from settings import BINDINGS, CLOUDS, LOG_LEVELS, Settings, read_settings, read_watch
from simulator.entra.permissions import ROLE_IDS
from tests.docs.documents import DOCUMENTS, README, ROOT, Document, in_code

REQUIRED = {
    "AZURE_AD_TENANT_ID": "contoso.onmicrosoft.com",
    "AZURE_AD_CLIENT_ID": "11111111-2222-4333-8444-555555555555",
    "AZURE_AD_CLIENT_SECRET": "a~secret",
}

OPERATIONS = next(document for document in DOCUMENTS if document.name == "docs/operations.md")
ALL = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)


def variables_read() -> list[str]:
    """Every variable that is asked for when everything is switched on."""
    names = []

    def variable(name: str) -> object:
        names.append(name)
        return object() if name in BINDINGS else {"CLOUDFLARE_ACCOUNT_ID": "0" * 32}.get(name)

    with pytest.raises(ConfigError):
        read_settings(variable)
    read_watch(variable)
    return [name for name in dict.fromkeys(names) if name not in BINDINGS]


def documented() -> dict[str, list[str]]:
    return {name: row for row in README.table("Variable") for name in in_code(row[0])}


def test_the_readme_lists_every_variable_and_no_other() -> None:
    assert sorted(documented()) == sorted(variables_read())


def test_a_variable_set_to_its_documented_default_changes_nothing() -> None:
    for name, (_, default, _) in documented().items():
        shown = in_code(default)
        assert not (name in REQUIRED and shown), f"{name} is required and has no default"
        if shown:
            assert read_settings((REQUIRED | {name: shown[0]}).get) == read_settings(REQUIRED.get), name


def test_an_optional_variable_without_a_documented_default_is_off_when_left_out() -> None:
    tenant, client, secret = REQUIRED.values()
    assert read_settings(REQUIRED.get) == Settings(tenant, client, secret)
    assert not read_watch(REQUIRED.get).on


@pytest.mark.parametrize(("name", "values"), [("AZURE_CLOUD", tuple(CLOUDS)), ("LOG_LEVEL", LOG_LEVELS), ("DRY_RUN", ("true",))])
def test_a_choice_is_documented_with_all_its_values(name: str, values: tuple[str, ...]) -> None:
    assert set(in_code(documented()[name][2])) >= set(values)


@ALL
def test_a_variable_named_anywhere_exists(document: Document) -> None:
    ours = r"\b(?:AZURE_(?:AD|CLOUD)[A-Z_]*|(?:GATEWAY|ALERT|CREDENTIAL|MAX)_[A-Z_]+|DRY_RUN|LOG_LEVEL)\b"
    named = set(re.findall(ours, document.text))
    assert named <= {*variables_read(), *BINDINGS}


def test_the_readme_asks_for_the_permissions_and_mentions_one_that_is_rarely_needed() -> None:
    assert {in_code(row[0])[0] for row in README.table("Permission")} == {READ_RISK, WRITE_MEMBERS, CREATE_GROUPS, READ_USERS}
    assert READ_GROUPS in README.text


@ALL
def test_a_permission_is_never_misspelled(document: Document) -> None:
    for word in re.findall(r"\b(?:IdentityRiskyUser|Directory|Group|GroupMember|User(?=\.\w+\.All))\.[A-Za-z.]*\w", document.text):
        assert word in ROLE_IDS, word


@ALL
def test_the_id_beside_a_permission_is_its_own(document: Document) -> None:
    for line in document.text.splitlines():
        named = [name for name in in_code(line) if name in ROLE_IDS]
        ids = re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", line)
        if len(named) == 1 and ids:
            assert ids == [ROLE_IDS[named[0]]], line


@ALL
def test_a_group_is_called_as_the_worker_calls_it(document: Document) -> None:
    for name in re.findall(r"IdentityProtection-[\w-]*", document.text):
        stem_before_a_variable = name.endswith("-") and all(group.startswith(name) for group in GROUP_NAMES.values())
        assert name in GROUP_NAMES.values() or stem_before_a_variable, name


def texts_of_the_worker() -> tuple[list[str], set[int]]:
    """Every text in src/, with `…` for what is filled in, and every number."""
    texts: list[str] = []
    numbers: set[int] = set()
    for path in sorted((ROOT / "src").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.JoinedStr):
                texts.append("".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value)
            elif isinstance(node, ast.Constant) and type(node.value) is int:
                numbers.add(node.value)
    return texts, numbers


MESSAGES = [(document.name, message) for document in DOCUMENTS for row in document.table("The log says") for message in in_code(row[0])]


def test_messages_are_explained_in_one_place() -> None:
    assert {name for name, _ in MESSAGES} == {"docs/operations.md"}
    assert len(MESSAGES) >= 25


def test_every_refusal_of_a_certificate_is_explained_by_one_of_its_kind() -> None:
    explained = {int(code[1]) for _, message in MESSAGES if (code := re.match(r"AADSTS(\d+)", message))}
    remedies = {code: access_token._REMEDIES[code] for code in access_token.REFUSED}
    assert set(remedies.values()) == {remedies[code] for code in explained & remedies.keys()}


@pytest.mark.parametrize(("document", "message"), MESSAGES)
def test_a_message_that_a_document_explains_can_be_printed(document: str, message: str) -> None:
    texts, numbers = texts_of_the_worker()
    if code := re.match(r"AADSTS(\d+)(?:, )?", message):
        assert int(code[1]) in numbers
        message = message.removeprefix(code[0])
    for name in variables_read():  # where the code has a placeholder for it
        message = message.removeprefix(name)
    wanted = re.compile(".*".join(re.escape(part.strip()) for part in message.split("…")))
    assert any(wanted.search(text) for text in texts), f"{document}: nothing in src/ says {message!r}"


def test_the_fields_of_the_record_are_documented_where_the_log_is_explained() -> None:
    report = Report(started=0.0, dry_run=False)
    report.levels = {level: Tally(frozenset({"somebody"}), joined=1, left=1) for level in report.levels}
    report.risky = {"high": 1}
    report.left_over(1, "a note")
    report.failure(ServiceError("a problem", ("an id",)))
    report.lists = report.levels
    report.credential_ends_soon(DAY_SECONDS, before=0.0)
    rows = [row for document in DOCUMENTS for row in document.table("Field")]
    assert [name for row in rows for name in in_code(row[0])] == list(report.record(1.0, 1))


def test_every_outcome_is_documented() -> None:
    outcomes = next(node for node in ast.walk(ast.parse((ROOT / "src" / "report.py").read_text("utf-8"))) if _is_outcome(node))
    words = [node.value for node in ast.walk(outcomes) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    told = [row[1] for document in DOCUMENTS for row in document.table("Field") if row[0] == "`outcome`"]
    returned = {word for word in words if len(word) < 20}
    assert len(returned) == 5
    assert {*returned, "skipped"} == set(in_code(told[0]))
    assert '{"outcome": "skipped"}' in (ROOT / "src" / "entry.py").read_text("utf-8")


def test_the_columns_of_a_data_point_are_documented_as_they_are() -> None:
    levels = ("high", "medium", "low")
    record: dict[str, object] = {"members": dict(zip(levels, (1, 2, 3), strict=True)), "risky": dict(zip(levels, (4, 5, 6), strict=True))}
    record |= {
        "joined": {"high": 7},
        "left": {"low": 8},
        "leftOver": 9,
        "problems": 10,
        "subrequests": 11,
        "milliseconds": 12,
        "credentialDays": 13,
    }
    documented = [(column, field) for row in OPERATIONS.table("Column") for column, field in zip(*map(in_code, row), strict=True)]
    assert [column for column, _ in documented] == [f"double{number}" for number in range(1, 14)]
    assert [value_at(record, field) for _, field in documented] == numbers(record)


def value_at(record: Mapping[str, object], path: str) -> float:
    """A field of the record, or of one of its fields; of one by level the sum."""
    value: object = record
    for name in path.split("."):
        assert isinstance(value, Mapping)
        value = value[name]
    return float(sum(value.values()) if isinstance(value, Mapping) else str(value))


QUERIES = [fence.text for fence in OPERATIONS.fences("sql")]


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_is_sql_and_asks_for_columns_that_there_are(query: str) -> None:
    parsed = sqlglot.parse_one(query, read="clickhouse")
    [table] = parsed.find_all(exp.Table)
    asked = {column.name for column in parsed.find_all(exp.Column)}
    defined = {alias.alias for alias in parsed.find_all(exp.Alias)}
    if table.name == "risky_users":
        there = {"timestamp", "_sample_interval", "blob1", "index1", *(f"double{number}" for number in range(1, 14))}
        assert 'dataset = "risky_users"' in (ROOT / "wrangler.toml").read_text("utf-8")
    else:
        there = {"accountTag", "scriptName", "level"}
    assert asked <= there | defined


def test_there_are_queries_for_panels_and_for_alerts() -> None:
    assert len(QUERIES) == 5
    assert sum(" AS value" in query for query in QUERIES) == 2


def _is_outcome(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef) and node.name == "outcome"


def test_the_readme_is_read_in_a_few_minutes() -> None:
    assert len(README.text.split()) < 1800
