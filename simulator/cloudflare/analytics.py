"""The GraphQL Analytics API, as far as it tells when a Worker's cron trigger ran and how that ended.

Documented: that this is the API for cron events (https://developers.cloudflare.com/workers/configuration/cron-triggers/), the shape
of errors and their messages (https://developers.cloudflare.com/analytics/graphql-api/errors/), the right "Account Analytics Read".
Observed in public queries: the data set `workersInvocationsScheduled`, its fields and filters, `orderBy: [datetime_DESC]`, at most
10,000 rows, scalars named `string` and `Time`, that runs appear minutes late. Inferred: the codes in `extensions`.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

from simulator.cloudflare.deployed import Run
from simulator.cloudflare.envelope import Answer
from simulator.cloudflare.permissions import READ_ANALYTICS
from simulator.cloudflare.service import Call, Service, member, text
from simulator.messages import JSON
from simulator.stamps import parse_stamp, stamp

if TYPE_CHECKING:
    from graphql import GraphQLSchema

MOST_ROWS = 10_000
_SCHEMA = """
scalar string
scalar Time
scalar uint64
type Query { viewer: Viewer }
type Viewer { accounts(filter: Accounts!): [Account!] }
input Accounts { accountTag: string! }
type Account {
  workersInvocationsScheduled(filter: Scheduled, limit: uint64!, orderBy: [Order!]): [Invocation!]
}
enum Order { datetime_ASC datetime_DESC }
input Scheduled {
  scriptName: string, scriptName_in: [string!], cron: string, status: string
  datetime: Time, datetime_geq: Time, datetime_gt: Time, datetime_leq: Time, datetime_lt: Time
}
type Invocation { scriptName: string!, cron: string!, status: string!, datetime: Time!, scheduledDatetime: Time!, cpuTimeUs: uint64! }
"""


class Unanswerable(Exception):
    """A query ends in an error, with this HTTP status."""

    def __init__(self, status: int, message: str, code: str) -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code


def query(service: Service, call: Call, _: "re.Match[str]") -> Answer:
    """Answer a query; errors come in GraphQL's own shape, without the envelope."""
    from graphql import GraphQLError, execute_sync, parse, validate  # here, since it takes a tenth of a second to import
    from graphql.validation import VariablesInAllowedPositionRule, specified_rules

    body = call.object()
    rules = [rule for rule in specified_rules if rule is not VariablesInAllowedPositionRule]  # `String!` passes for `string!`
    try:
        document = parse(text(body, "query"))
        mistakes = validate(_schema(), document, rules)
        if mistakes:
            message = mistakes[0].message
            unknown = "Cannot query field" in message
            raise Unanswerable(400, f"unknown field: {message}" if unknown else message, "parse")
        root = {"viewer": _Viewer(service, call)}
        done = execute_sync(_schema(), document, root, variable_values=member(body, "variables"))
        for error in done.errors or ():
            raise error.original_error if isinstance(error.original_error, Unanswerable) else error
    except Unanswerable as error:
        return _failed(error.status, error.message, error.code, call.now)
    except GraphQLError as error:
        return _failed(400, f"error parsing args: {error.message}", "parse", call.now)
    data: JSON = done.data
    return Answer({"data": data, "errors": None}, bare=True)


class _Viewer:
    def __init__(self, service: Service, call: Call) -> None:
        self._service, self._call = service, call

    def accounts(self, _: object, filter: Mapping[str, str]) -> list["_Account"]:
        if filter["accountTag"] != self._service.state.id or not self._call.token.permissions & READ_ANALYTICS:
            raise Unanswerable(self._service.behaviour.analytics_refusal, "not authorized for that account", "authz")
        return [_Account(self._service, self._call.now)]


class _Account:
    def __init__(self, service: Service, now: float) -> None:
        self._service, self._now = service, now

    def workersInvocationsScheduled(  # noqa: N802  # the field's name in the query
        self,
        _: object,
        limit: int,
        filter: Mapping[str, str | Sequence[str]] | None = None,
        orderBy: Sequence[str] = ("datetime_ASC",),  # noqa: N803  # likewise
    ) -> list[dict[str, JSON]]:
        if not 0 < limit <= MOST_ROWS:
            raise Unanswerable(400, f"limit must be positive number and not greater than {MOST_ROWS}", "parse")
        seen = self._now - self._service.behaviour.analytics_lag
        runs = [(worker.name, run) for worker in self._service.state.workers.values() for run in worker.runs if run.time <= seen]
        rows = [(run.time, _row(name, run)) for name, run in runs]
        kept = [(time, row) for time, row in rows if all(_keeps(row, time, *each) for each in (filter or {}).items())]
        kept.sort(key=lambda each: each[0], reverse="datetime_DESC" in orderBy)
        return [row for _, row in kept[:limit]]


def _row(name: str, run: Run) -> dict[str, JSON]:
    times: dict[str, JSON] = {"datetime": stamp(run.time), "scheduledDatetime": stamp(run.scheduled)}
    return {"scriptName": name, "cron": run.cron, "status": run.status, "cpuTimeUs": run.cpu_us, **times}


def _keeps(row: Mapping[str, JSON], time: float, name: str, value: str | Sequence[str]) -> bool:
    field, _, comparison = name.partition("_")
    if field != "datetime":
        return str(row[field]) in value if comparison == "in" else row[field] == value
    try:
        wanted = parse_stamp(str(value))
    except ValueError:
        raise Unanswerable(400, f"error parsing args: {name} is no time", "parse") from None
    return {"": time == wanted, "geq": time >= wanted, "gt": time > wanted, "leq": time <= wanted, "lt": time < wanted}[comparison]


def _failed(status: int, message: str, code: str, now: float) -> Answer:
    path: JSON = ["viewer", "accounts", "0"] if code == "authz" else None
    error: JSON = {"message": message, "path": path, "extensions": {"code": code, "timestamp": stamp(now)}}
    return Answer({"data": None, "errors": [error]}, status=status, bare=True)


@cache
def _schema() -> "GraphQLSchema":
    from graphql import build_schema  # as above

    return build_schema(_SCHEMA)
