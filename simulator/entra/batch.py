"""`$batch`: up to 20 requests in one (https://learn.microsoft.com/graph/json-batching)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from simulator.entra.answers import CONTENT_TYPE, Answer
from simulator.entra.behaviour import Behaviour
from simulator.messages import JSON, Refusal

MOST = 20


@dataclass(frozen=True, slots=True)
class Item:
    """One request below `/v1.0`, alone or out of a batch."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: JSON = None
    id: str = ""
    depends_on: tuple[str, ...] = ()
    """Lower case, as ids are compared."""

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]


def read_batch(body: JSON, root: str, violate: Callable[[str], None]) -> list[Item]:
    """A batch's items in their order, of which `root` is the common beginning of their addresses. Raises Refusal."""
    requests = body.get("requests") if isinstance(body, dict) else None
    if not isinstance(requests, list) or not requests:
        raise Refusal(400, "BadRequest", "Invalid batch payload format.")
    if len(requests) > MOST:
        violate(f"a batch of {len(requests)}")
        raise Refusal(400, "BadRequest", f"Number of batch request steps exceeds the maximum value of {MOST}.")
    items: dict[str, Item] = {}
    for request in requests:
        item = _item(request, root)
        if item.id.lower() in items:
            raise Refusal(400, "BadRequest", "Request Id is duplicated in the batch.")
        if not all(before in items for before in item.depends_on):
            raise Refusal(400, "BadRequest", "A request depends on one that does not come before it.")
        items[item.id.lower()] = item
    return list(items.values())


def answer_items(
    items: Sequence[Item], behaviour: Behaviour, answer: Callable[[Item], Answer], refuse: Callable[[Item, Refusal], Answer]
) -> list[Answer]:
    """The answer to each item in turn; 424 to those that depend on a failed one, and no more writers at once than Graph bears."""
    answers: dict[str, Answer] = {}
    patched: dict[str, int] = {}
    for item in items:
        if any(answers[before].status >= 400 or answers[before].status == 0 for before in item.depends_on):
            refusal: Refusal | None = Refusal(424, "FailedDependency", "A request this one depends on failed.")
        else:
            refusal = _too_many_writers(item, behaviour, patched)
        answers[item.id.lower()] = refuse(item, refusal) if refusal else answer(item)
    return list(answers.values())


def together(items: Sequence[Item], answers: Sequence[Answer], behaviour: Behaviour, random: Random) -> Answer:
    """The batch's own answer, with those of its items in any order."""
    order = list(zip(items, answers, strict=True))
    if behaviour.shuffled_batches:
        random.shuffle(order)
    responses: list[JSON] = [_response(item, answer) for item, answer in order if answer.status]
    throttled = any(answer.status == 429 for answer in answers)
    status = behaviour.throttled_batch if throttled else 200
    return Answer(status, {"responses": responses}, resource_units=0.0, delay=max(answer.delay for answer in answers))


def one_slash(target: str) -> str:
    """The target beginning with one slash, though Microsoft's own SDK for Python sends two, and a batch's item needs none."""
    return f"/{target.lstrip('/')}"


def _item(request: JSON, root: str) -> Item:
    if not isinstance(request, dict):
        raise Refusal(400, "BadRequest", "Invalid batch payload format.")
    identity, method, url = request.get("id"), request.get("method"), request.get("url")
    headers, depends_on, body = request.get("headers", {}), request.get("dependsOn", []), request.get("body")
    if not isinstance(identity, str) or not identity or not isinstance(method, str) or not isinstance(url, str):
        raise Refusal(400, "BadRequest", "Invalid batch payload format: id, method and url are required.")
    url = url.removeprefix(root)  # Microsoft's own SDK for Python sends it whole
    if "://" in url.partition("?")[0] or not isinstance(headers, dict) or not isinstance(depends_on, list):
        raise Refusal(400, "BadRequest", "Invalid batch payload format: the url must be relative.")
    lower = {name.lower(): str(value) for name, value in headers.items()}
    if body is not None and "content-type" not in lower:
        raise Refusal(400, "BadRequest", "Content-Type header is required for requests with a body.")
    return Item(method.upper(), one_slash(url), lower, body, identity, tuple(str(before).lower() for before in depends_on))


def _too_many_writers(item: Item, behaviour: Behaviour, patched: dict[str, int]) -> Refusal | None:
    """PATCHes of one group at a time, and few in a batch (microsoftgraph/group-membership-management)."""
    if item.method != "PATCH" or "(" in item.path:
        return None
    patched["all"] = patched.get("all", 0) + 1
    if patched["all"] > behaviour.patches_together:
        return Refusal(503, "serviceNotAvailable", "The service is temporarily unavailable.")
    earlier = patched.get(item.path, 0)
    patched[item.path] = earlier + 1
    if earlier and not item.depends_on:
        message = "Error due to concurrent requests being made to the tenant. Please wait briefly and retry."
        return Refusal(behaviour.concurrency_error, "Directory_ConcurrencyViolation", message)
    return None


def _response(item: Item, answer: Answer) -> dict[str, JSON]:
    headers: dict[str, JSON] = {"Cache-Control": "no-cache", **answer.headers}
    if answer.resource_units:
        headers["x-ms-resource-unit"] = f"{answer.resource_units:g}"
    response: dict[str, JSON] = {"id": item.id, "status": answer.status, "headers": headers}
    if answer.body is not None:
        headers["Content-Type"] = CONTENT_TYPE if isinstance(answer.body, (dict, list)) else "text/html"
        response["body"] = answer.body
    return response
