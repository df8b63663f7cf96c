"""Batches of requests: what is sent together, what again and when, what is given up, what an answer is taken for."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

import pytest

from access_token import AccessToken
from budget import Budget, HttpRequest, HttpResponse
from errors import ServiceError
from exchange import GraphRequest, GraphResponse
from operations import Operation, Outcome, ask
from retry import ATTEMPTS
from scheduler import PACE_SECONDS, PARALLEL_REQUESTS, SERIAL_REQUESTS, TOGETHER_SECONDS, WRITE_UNITS, Scheduler
from settings import Settings
from tests.ticks import StoppedClock, finish
from text import JSON

T = TypeVar("T")

SETTINGS = Settings("contoso.example", "00000000-0000-4000-8000-000000000000", "secret")
OK: Mapping[str, JSON] = {"status": 200}
REQUEST_ID = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"


def failing(status: int, retry_after: str = "") -> Mapping[str, JSON]:
    return {"status": status, "headers": {"Retry-After": retry_after} if retry_after else {}}


@dataclass
class Endpoint:
    """`$batch` by a script: each time an item is sent, the next of its answers, then 200; 424 behind one that failed.

    `whole` are the answers to the first batches as wholes. `sent` holds when which items were sent, in seconds from the
    start and by their urls.
    """

    script: dict[str, list[Mapping[str, JSON]]] = field(default_factory=dict)
    whole: list[HttpResponse] = field(default_factory=list)
    answer_seconds: float = 0.0
    clock: StoppedClock = field(default_factory=StoppedClock)
    sent: list[tuple[float, list[str]]] = field(default_factory=list)
    requests: list[HttpRequest] = field(default_factory=list)
    tokens: int = 0

    async def fetch(self, request: HttpRequest) -> HttpResponse:
        if "oauth2" in request.url:
            self.tokens += 1
            return HttpResponse(200, {}, json.dumps({"access_token": f"token-{self.tokens}", "expires_in": 3599}))
        asked = json.loads(request.body)["requests"]
        self.requests.append(request)
        self.sent.append((round(self.clock.time - StoppedClock().time, 3), [str(item["url"]) for item in asked]))
        await self.clock.sleep(self.answer_seconds)
        return self.whole.pop(0) if self.whole else HttpResponse(200, {}, json.dumps({"responses": list(self.answers(asked))}))

    def answers(self, asked: list[dict[str, str]]) -> Iterator[Mapping[str, JSON]]:
        failed: set[str] = set()
        for item in asked:
            script = self.script.get(item["url"], [])
            answer = {"status": 424} if failed & set(item.get("dependsOn", ())) else script.pop(0) if script else OK
            if answer["status"] not in (200, 201, 204):
                failed.add(item["id"])
            yield {"id": item["id"], **answer}

    def times(self, url: str) -> list[float]:
        return [time for time, urls in self.sent if url in urls]

    def run(self, *wanted: list[GraphRequest], until: float = 10_000.0, max_subrequests: int = 900) -> list[list[GraphResponse]]:
        """The responses to what each of several operations wants."""
        return self.drive(*(ask(*requests) for requests in wanted), until=until, max_subrequests=max_subrequests)

    def drive(self, *operations: Operation[T], until: float = 10_000.0, max_subrequests: int = 900) -> list[T]:
        """The results of the operations."""
        results = []
        for outcome in self.outcomes(*operations, until=until, max_subrequests=max_subrequests):
            assert not isinstance(outcome, ServiceError)
            results.append(outcome)
        return results

    def outcomes(self, *operations: Operation[T], until: float = 10_000.0, max_subrequests: int = 900) -> list[Outcome[T]]:
        """What comes of the operations."""
        scheduler, started = self.scheduler(max_subrequests), self.clock.time
        begun = [scheduler.begin(operation, started + until) for operation in operations]
        return [finish(scheduler.finish(running)) for running in begun]

    def scheduler(self, max_subrequests: int = 900) -> Scheduler:
        """A tick's, in whose time and subrequests everything here fits."""
        deadline = self.clock.time + 10_000
        budget = Budget(fetch=self.fetch, clock=self.clock, random=Random(0), max_subrequests=max_subrequests, deadline=deadline)
        return Scheduler(budget, SETTINGS, AccessToken())


async def one_by_one(requests: list[GraphRequest]) -> list[GraphResponse]:
    return [response for request in requests for response in await ask(request)]


def reads(urls: str, *, paced: bool = False, pause: float = 0.0) -> list[GraphRequest]:
    return [GraphRequest("GET", url, what="read", needs="", paced=paced, pause=pause) for url in urls.split()]


def chain(urls: str) -> list[GraphRequest]:
    return [GraphRequest("PATCH", url, what="add", needs="", body={}, serial=True, write_units=1.0) for url in urls.split()]


def writes(count: int, units: float) -> list[GraphRequest]:
    return [GraphRequest("DELETE", f"/{number}", what="remove", needs="", write_units=units) for number in range(count)]


# --- what waits for a failed item ---


def test_what_waited_for_an_item_that_is_to_be_repeated_does_not_wait_with_it() -> None:
    endpoint = Endpoint({"/b": [failing(503, "20")]})
    [answers] = endpoint.run(chain("/a /b /c /d"))
    assert endpoint.sent == [(0, ["/a", "/b", "/c", "/d"]), (0, ["/c", "/d"]), (20, ["/b"])]
    assert all(answer.ok for answer in answers)


@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_what_waited_for_an_item_that_failed_for_good_is_sent_without_it(status: int) -> None:
    endpoint = Endpoint({"/a": [failing(status, "900")]})
    [answers] = endpoint.run(chain("/a /b /c"), until=50)
    assert endpoint.sent == [(0, ["/a", "/b", "/c"]), (0, ["/b", "/c"])]
    assert [answer.status for answer in answers] == [status, 200, 200]


def test_waiting_for_others_costs_an_item_none_of_its_attempts() -> None:
    others = ["/a", "/b", "/c", "/d"]
    endpoint = Endpoint({**{url: [failing(503, "900")] for url in others}, "/e": [failing(503, "9")] * (ATTEMPTS - 1)})
    [answers] = endpoint.run(chain("/a /b /c /d /e"))
    assert endpoint.times("/e") == [0, 0, 0, 0, 0, 9, 18, 27, 36]
    assert [answer.status for answer in answers] == [200] * 5
    assert answers[4].attempts == ATTEMPTS


def test_an_item_said_to_wait_for_others_none_of_which_failed_is_given_time_and_an_end() -> None:
    endpoint = Endpoint({"/b": [failing(424)] * 99})
    [answers] = endpoint.run(chain("/a /b"))
    assert [answer.status for answer in answers] == [200, 424]
    assert answers[1].attempts == len(endpoint.times("/b")) == ATTEMPTS
    assert endpoint.times("/b")[1] >= 1


# --- again, and how often ---


def test_the_fifth_answer_is_the_last_and_is_told_with_its_number() -> None:
    endpoint = Endpoint({"/a": [failing(503, "3")] * 4 + [failing(502, "3")]})
    [[answer]] = endpoint.run(reads("/a"))
    assert endpoint.times("/a") == [0, 3, 6, 9, 12]
    assert (answer.status, answer.attempts) == (502, 5)


def test_a_new_token_is_asked_for_once_a_tick_and_costs_no_attempt() -> None:
    endpoint = Endpoint({"/a": [failing(401), *[failing(503, "2")] * 4], "/b": [failing(401)], "/c": [OK]})
    [answers] = endpoint.run(reads("/a /b /c"))
    assert endpoint.sent[:2] == [(0, ["/a", "/b", "/c"]), (0, ["/a", "/b"])]
    assert [request.headers["authorization"] for request in endpoint.requests[:3]] == ["Bearer token-1", "Bearer token-2", "Bearer token-2"]
    assert [(answer.status, answer.attempts) for answer in answers] == [(200, 5), (200, 1), (200, 1)]
    assert endpoint.tokens == 2


def test_a_second_refusal_of_the_token_is_an_answer_and_what_is_still_to_send_goes_out_with_another() -> None:
    endpoint = Endpoint({"/a": [failing(401)], "/b": [OK, failing(401)]})
    results = endpoint.drive(one_by_one(reads("/a /c")), one_by_one(reads("/b /b /b")))
    assert [answer.status for answers in results for answer in answers] == [200, 200, 200, 401, 200]
    assert endpoint.tokens == 3


def test_behind_an_item_whose_token_was_refused_the_chain_goes_on_with_the_new_one_at_once() -> None:
    endpoint = Endpoint({"/a": [failing(401)]})
    [answers] = endpoint.run(chain("/a /b /c"))
    assert endpoint.sent == [(0, ["/a", "/b", "/c"])] * 2
    assert [(answer.status, answer.attempts) for answer in answers] == [(200, 1)] * 3


# --- Identity Protection's distance ---


def test_paced_items_keep_their_distance_from_the_last_answer_and_others_do_not() -> None:
    for paced, times in ((True, [0, 1 + PACE_SECONDS, 2 + 2 * PACE_SECONDS]), (False, [0, 1, 2])):
        endpoint = Endpoint(answer_seconds=1.0)
        endpoint.drive(one_by_one(reads("/a /a /a", paced=paced)))
        assert endpoint.times("/a") == times


def test_an_item_that_is_not_paced_does_not_wait_for_the_distance_of_those_that_are() -> None:
    endpoint = Endpoint()
    endpoint.drive(one_by_one([*reads("/a", paced=True), *reads("/b"), *reads("/c", paced=True)]))
    assert endpoint.sent == [(0, ["/a"]), (0, ["/b"]), (PACE_SECONDS, ["/c"])]


@pytest.mark.parametrize(("asked", "waited"), [("0", PACE_SECONDS), ("0.5", PACE_SECONDS), ("7", 7)])
def test_a_paced_item_keeps_its_distance_even_where_it_is_asked_to_come_back_sooner(asked: str, waited: float) -> None:
    endpoint = Endpoint({"/a": [failing(429, asked)]})
    endpoint.run(reads("/a", paced=True))
    assert endpoint.times("/a") == [0, waited]


def test_a_paced_item_keeps_its_distance_with_a_new_token_too() -> None:
    endpoint = Endpoint({"/a": [failing(401)]})
    endpoint.run(reads("/a", paced=True))
    assert endpoint.times("/a") == [0, PACE_SECONDS]


# --- what goes together, and when ---


def test_a_batch_holds_twenty_items_or_a_chain_of_five_and_never_both() -> None:
    endpoint = Endpoint()
    endpoint.run(chain("/a " * 7), reads("/b " * 25))
    assert [urls for _, urls in endpoint.sent] == [["/a"] * SERIAL_REQUESTS, ["/b"] * PARALLEL_REQUESTS, ["/a"] * 2, ["/b"] * 5]
    assert {time for time, _ in endpoint.sent} == {0}


def test_only_a_chain_has_an_order() -> None:
    endpoint = Endpoint()
    endpoint.run(chain("/a /b /c"), reads("/d /e"))
    first, second = (json.loads(request.body)["requests"] for request in endpoint.requests)
    assert [item.get("dependsOn") for item in first] == [None, ["1"], ["2"]]
    assert [item.get("dependsOn") for item in second] == [None, None]


def test_the_first_operations_go_first_where_not_all_fit() -> None:
    endpoint = Endpoint()
    endpoint.drive(one_by_one(reads("/a /b /c")), ask(*reads("/z " * 45)))
    assert [urls.index(url) for (_, urls), url in zip(endpoint.sent, ["/a", "/b", "/c"], strict=True)] == [0, 0, 0]
    assert [len(urls) for _, urls in endpoint.sent] == [20, 20, 8]


@pytest.mark.parametrize(("pause", "together"), [(0.5, True), (TOGETHER_SECONDS, True), (TOGETHER_SECONDS + 0.01, False)])
def test_items_that_are_due_almost_together_share_a_batch_when_the_last_is_due(pause: float, together: bool) -> None:
    endpoint = Endpoint()
    endpoint.run(reads("/a"), reads("/b", pause=pause))
    assert endpoint.sent == ([(pause, ["/a", "/b"])] if together else [(0, ["/a"]), (pause, ["/b"])])


def test_a_pause_is_waited_out_before_the_first_attempt() -> None:
    endpoint = Endpoint()
    endpoint.run(reads("/a", pause=8.0))
    assert endpoint.times("/a") == [8]


def test_what_is_due_too_late_holds_up_nothing_that_is_due_in_time_and_is_given_up() -> None:
    endpoint = Endpoint()
    [[early], [late]] = endpoint.run(reads("/a"), reads("/b", pause=1.0), until=0.5)
    assert endpoint.sent == [(0, ["/a"])]
    assert (early.ok, late.ok, late.left_over) == (True, False, True)


def test_what_is_due_at_the_very_end_is_sent() -> None:
    endpoint = Endpoint()
    [[early], [late]] = endpoint.run(reads("/a"), reads("/b", pause=1.0), until=1.0)
    assert endpoint.sent == [(1, ["/a", "/b"])]
    assert early.ok
    assert late.ok


# --- what is given up ---


def test_an_item_given_up_between_two_attempts_tells_what_it_met() -> None:
    endpoint = Endpoint({"/b": [failing(503, "20")]})
    items = reads("/a /b")
    [[first, second]] = endpoint.run(items, until=10)
    assert (second.request, second.status, second.attempts, second.left_over) == (items[1], 503, 1, False)
    assert first.ok


def test_an_item_given_up_after_a_passing_conflict_is_not_taken_for_refused() -> None:
    conflict: Mapping[str, JSON] = {**failing(400, "20"), "body": {"error": {"code": "Directory_ConcurrencyViolation"}}}
    [[answer]] = Endpoint({"/a": [conflict]}).run(reads("/a"), until=10)
    assert (answer.status, answer.passing, answer.refused) == (400, True, False)


def test_what_the_budget_left_unsent_is_told_item_by_item_and_nothing_is_said_to_have_failed() -> None:
    endpoint = Endpoint()
    items = reads("/a " * 50)
    [answers] = endpoint.run(items, max_subrequests=2)
    assert [answer.request for answer in answers] == items
    assert [answer.ok for answer in answers] == [True] * 20 + [False] * 30  # one of the two was for the token
    assert [answer.left_over for answer in answers] == [False] * 20 + [True] * 30
    assert not any(answer.refused for answer in answers)


@dataclass
class Silent(Endpoint):
    """Answers no batch after the first ones."""

    answered: int = 0

    async def fetch(self, request: HttpRequest) -> HttpResponse:
        if "$batch" in request.url and len(self.requests) >= self.answered:
            self.requests.append(request)
            await self.clock.sleep(request.timeout)
            raise TimeoutError
        return await super().fetch(request)


def test_of_what_the_deadline_cut_off_it_is_told_that_it_may_have_been_done_and_nothing_more_is_sent() -> None:
    endpoint = Silent(answered=1, script={"/first": [failing(503, "9995")]})
    requests = [*reads("/first"), *reads(" ".join(f"/{number}" for number in range(PARALLEL_REQUESTS + 5)), pause=9_995.0)]
    [responses] = endpoint.run(requests)
    assert len(endpoint.requests) == 2
    asked = [str(item["url"]) for item in json.loads(endpoint.requests[-1].body)["requests"]]
    assert len(asked) == PARALLEL_REQUESTS
    for request, response in zip(requests, responses, strict=True):
        assert response.request == request
        assert response.cut_off == (request.url in asked)
        assert response.attempts == (request.url in asked) + (request.url == "/first")


def test_an_operation_goes_on_with_what_it_got_when_the_budget_ends() -> None:
    endpoint = Endpoint()
    [answers] = endpoint.drive(one_by_one(reads("/a /b /c")), max_subrequests=2)
    assert [answer.ok for answer in answers] == [True, False, False]


# --- the quota of writes ---


def test_a_tick_spends_its_write_units_to_the_last_and_not_one_more() -> None:
    endpoint = Endpoint()
    [answers] = endpoint.run(writes(26, WRITE_UNITS / 25))
    assert [answer.ok for answer in answers] == [True] * 25 + [False]
    assert answers[-1].left_over


def test_writes_that_failed_have_cost_their_units_all_the_same() -> None:
    endpoint = Endpoint({"/0": [failing(503, "1")] * 3})
    [[answer]] = endpoint.run(writes(1, WRITE_UNITS / 2))
    assert len(endpoint.sent) == 2
    assert (answer.status, answer.attempts) == (503, 2)


def test_reads_go_on_when_the_write_units_are_spent() -> None:
    endpoint = Endpoint()
    [answers] = endpoint.drive(one_by_one([*writes(2, WRITE_UNITS), *reads("/a /b")]))
    assert [answer.ok for answer in answers] == [True, False, True, True]


# --- what an answer is taken for ---


def responses(*found: JSON, status: int = 200) -> HttpResponse:
    return HttpResponse(status, {}, json.dumps({"responses": list(found)}))


@pytest.mark.parametrize("status", [200, 424])
def test_answers_are_told_apart_by_their_ids_whatever_their_order_and_whatever_the_batch_as_a_whole_is_called(status: int) -> None:
    endpoint = Endpoint(
        whole=[responses({"id": "2", "status": 204}, {"id": "1", "status": 403}, {"id": "9", "status": 400}, status=status)]
    )
    [answers] = endpoint.run(reads("/a /b"))
    assert [(answer.status, answer.whole) for answer in answers] == [(403, False), (204, False)]
    assert len(endpoint.sent) == 1


@pytest.mark.parametrize(
    "found",
    [
        [],
        [{"id": "1", "status": 200}, {"id": "1", "status": 200}],
        [{"id": "1", "status": 404}, {"id": "1", "status": 200}],
        [{"id": 1, "status": 200}],
        [{"id": "3", "status": 200}],
        [{"id": "0", "status": 200}],
        [{"status": 200}],
        [None, "1", 1],
    ],
)
def test_an_item_without_one_answer_of_its_own_is_sent_again(found: list[JSON]) -> None:
    endpoint = Endpoint(whole=[responses(*found, {"id": "2", "status": 204})])
    [answers] = endpoint.run(reads("/a /b"))
    assert [urls for _, urls in endpoint.sent] == [["/a", "/b"], ["/a"]]
    assert endpoint.times("/a")[1] >= 1
    assert [(answer.status, answer.attempts) for answer in answers] == [(200, 2), (204, 1)]


@pytest.mark.parametrize(
    ("status", "taken_for"), [(99, 0), (100, 100), (304, 304), (599, 599), (600, 0), (True, 0), ("200", 0), (200.0, 0)]
)
def test_only_a_status_of_http_is_one(status: JSON, taken_for: int) -> None:
    endpoint = Endpoint(whole=[responses({"id": "1", "status": status})] * ATTEMPTS)
    [[answer]] = endpoint.run(reads("/a"))
    assert answer.status == taken_for
    assert answer.attempts == (ATTEMPTS if taken_for == 0 else 1)


@pytest.mark.parametrize("body", ["", "[]", "7", "{}", '{"responses":{}}', '{"responses":null}', "<html>", "[" * 100_000])
def test_a_batch_whose_answer_cannot_be_read_is_sent_again(body: str) -> None:
    for status in (200, 204, 299):
        endpoint = Endpoint(whole=[HttpResponse(status, {"retry-after": "4"}, body)])
        [answers] = endpoint.run(reads("/a /b"))
        assert endpoint.sent == [(0, ["/a", "/b"]), (4, ["/a", "/b"])]
        assert [(answer.status, answer.attempts) for answer in answers] == [(200, 2)] * 2


def test_a_batch_whose_answer_can_never_be_read_leaves_every_item_unanswered() -> None:
    endpoint = Endpoint(whole=[HttpResponse(200, {}, "<html>")] * ATTEMPTS)
    items = reads("/a /b")
    [answers] = endpoint.run(items)
    assert [(answer.request, answer.status, answer.whole, answer.attempts) for answer in answers] == [(item, 0, True, 5) for item in items]


@pytest.mark.parametrize(("status", "attempts"), [(300, 1), (302, 1), (400, 1), (403, 1), (404, 1), (424, ATTEMPTS), (429, ATTEMPTS)])
def test_a_batch_that_fails_as_a_whole_fails_every_item_and_refuses_none(status: int, attempts: int) -> None:
    body = '{"error": {"code": "Whole"}, "responses": 7}'
    endpoint = Endpoint(whole=[HttpResponse(status, {"request-id": REQUEST_ID}, body)] * attempts)
    [answers] = endpoint.run(reads("/a /b"))
    assert len(endpoint.sent) == attempts
    for answer in answers:
        assert (answer.status, answer.whole, answer.refused, answer.attempts, answer.code) == (status, True, False, attempts, "Whole")
        assert answer.request_ids == (REQUEST_ID, endpoint.requests[-1].headers["client-request-id"])


@pytest.mark.parametrize(("status", "done"), [(199, False), (200, True), (201, True), (204, True), (299, True), (300, False), (304, False)])
def test_only_a_status_of_success_is_success(status: int, done: bool) -> None:
    endpoint = Endpoint({"/a": [{"status": status}]})
    [[answer]] = endpoint.run(reads("/a"))
    assert (answer.status, answer.ok) == (status, done)


@pytest.mark.parametrize(("code", "shown"), [("A_b.9" * 12 + "long", True), ("A_b.9" * 13, False), ("two words", False), (7, False)])
def test_an_error_code_is_shown_if_it_is_a_word_of_reasonable_length(code: JSON, shown: bool) -> None:
    endpoint = Endpoint({"/a": [{"status": 400, "body": {"error": {"code": code}}}]})
    [[answer]] = endpoint.run(reads("/a"))
    assert answer.code == (code if shown else "")


def test_what_a_failed_batch_says_of_its_items_is_not_believed() -> None:
    endpoint = Endpoint(whole=[responses({"id": "1", "status": 204}, status=403)])
    [[answer]] = endpoint.run(reads("/a"))
    assert (answer.status, answer.whole) == (403, True)


@pytest.mark.parametrize("name", ["Retry-After", "retry-after", "RETRY-AFTER"])
def test_a_header_is_known_in_any_case_and_only_text_is_one(name: str) -> None:
    endpoint = Endpoint({"/a": [{"status": 503, "headers": {name: "30", "x-odd": 7, "x-none": None}}]})
    [[answer]] = endpoint.run(reads("/a"))
    assert endpoint.times("/a") == [0, 30]
    assert answer.ok


@pytest.mark.parametrize("headers", [None, [], "Retry-After: 30", 7, {"Retry-After": ["30"]}])
def test_headers_that_are_none_are_as_good_as_none(headers: JSON) -> None:
    endpoint = Endpoint({"/a": [{"status": 503, "headers": headers}]})
    [[answer]] = endpoint.run(reads("/a"))
    assert 1 <= endpoint.times("/a")[1] <= 1.5
    assert answer.ok


def test_an_answer_carries_its_own_body_headers_and_the_ids_that_microsoft_asks_for() -> None:
    own: Mapping[str, JSON] = {
        "status": 403,
        "headers": {"Request-Id": REQUEST_ID},
        "body": {"error": {"code": "Denied"}},
    }
    endpoint = Endpoint({"/a": [own], "/b": [{"status": 200, "body": {"value": [1]}}]})
    [[denied, read]] = endpoint.run(reads("/a /b"))
    sent_as = endpoint.requests[0].headers["client-request-id"]
    assert denied.code == "Denied"
    assert denied.request_ids == (REQUEST_ID, sent_as)
    assert read.body == {"value": [1]}
    assert read.request_ids == (sent_as,)


@pytest.mark.parametrize("spelling", ["innerError", "innererror"])
@pytest.mark.parametrize(("given", "told"), [(REQUEST_ID, True), ("7", False), (f"{REQUEST_ID} alice", False), (7, False), (None, False)])
def test_the_request_id_is_found_in_an_errors_body_too_and_is_told_if_it_is_one(spelling: str, given: JSON, told: bool) -> None:
    endpoint = Endpoint({"/a": [{"status": 403, "body": {"error": {"code": "Denied", spelling: {"request-id": given}}}}]})
    [[answer]] = endpoint.run(reads("/a"))
    assert answer.request_ids == (*([REQUEST_ID] if told else []), endpoint.requests[0].headers["client-request-id"])


@pytest.mark.parametrize("given", ["7", f"{REQUEST_ID} alice"])
def test_a_request_id_that_is_none_is_not_told(given: str) -> None:
    endpoint = Endpoint({"/a": [{"status": 403, "headers": {"request-id": given}}]})
    [[answer]] = endpoint.run(reads("/a"))
    assert answer.request_ids == (endpoint.requests[0].headers["client-request-id"],)


# --- what is sent ---


def test_a_batch_is_json_for_graph_and_says_no_more_of_an_item_than_it_has() -> None:
    endpoint = Endpoint()
    create = GraphRequest("PATCH", "/b", what="create", needs="", body={"mailEnabled": False}, prefer="create-if-missing")
    endpoint.run([*reads("/a"), create, create._replace(url="/c", prefer="")])
    [request] = endpoint.requests
    assert (request.method, request.url) == ("POST", "https://graph.microsoft.com/v1.0/$batch")
    assert {name: value for name, value in request.headers.items() if name != "client-request-id"} == {
        "authorization": "Bearer token-1",
        "content-type": "application/json",
        "accept": "application/json",
    }
    assert json.loads(request.body) == {
        "requests": [
            {"id": "1", "method": "GET", "url": "/a"},
            {
                "id": "2",
                "method": "PATCH",
                "url": "/b",
                "headers": {"Content-Type": "application/json", "Prefer": "create-if-missing"},
                "body": {"mailEnabled": False},
            },
            {
                "id": "3",
                "method": "PATCH",
                "url": "/c",
                "headers": {"Content-Type": "application/json"},
                "body": {"mailEnabled": False},
            },
        ]
    }
