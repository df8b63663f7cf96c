"""The bindings of a Worker that notify.py makes use of, where they are bound."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import js
from pyodide.ffi import JsException, JsProxy, to_js

from alerts import Memory
from notify import SECONDS, Ways
from settings import Watch

_KEY = "memory"
_STORE_SECONDS = 2.0
"""How long the store may take, each way."""


def ways(env: object, watch: Watch, memory: Memory | None) -> Ways:
    """What this environment offers. `memory` is the isolate's own."""
    found = Ways(memory=memory or Memory())
    if "ALERT_EMAIL" in watch.bindings:
        found.mail = _Mail(env.ALERT_EMAIL, watch).send  # type: ignore[attr-defined]  # it is bound
    if "ALERT_STATE" in watch.bindings:
        found.store = _Kept(env.ALERT_STATE)  # type: ignore[attr-defined]  # it is bound
    if "METRICS" in watch.bindings:
        found.metrics = _Metrics(env.METRICS).write  # type: ignore[attr-defined]  # it is bound
    return found


class _Mail:
    """Email Service (https://developers.cloudflare.com/email-service/api/send-emails/workers-api/)."""

    def __init__(self, binding: object, watch: Watch) -> None:
        self._binding, self._watch = binding, watch

    async def send(self, subject: str, text: str) -> None:
        message = {"from": self._watch.mail_from, "to": self._watch.mail_to, "subject": subject, "text": text}
        await _in_time(lambda: self._call("send", _object(message)), SECONDS)

    def _call(self, method: str, argument: object) -> Awaitable[object]:
        """Call it within JavaScript: an object of its RPC, of which the binding may be one, looks like a generator to Pyodide, whose
        own `send` hides this one (https://github.com/cloudflare/workerd/pull/6296), and like a promise, so that whatever is
        returned by a call would be awaited."""
        binding = self._binding
        if not isinstance(binding, JsProxy):  # but the SDK's wrapper around one
            binding = binding._binding  # type: ignore[attr-defined]  # the SDK has no types
        methods = js.Array.of(method).map(js.Reflect.get.bind(None, binding))
        answer: Awaitable[object] = js.Reflect.apply(methods[0], binding, to_js([argument]))
        return answer


class _Kept:
    """A key of Workers KV (https://developers.cloudflare.com/kv/api/)."""

    def __init__(self, binding: object) -> None:
        self._binding = binding

    async def get(self) -> str | None:
        text = await _in_time(lambda: self._binding.get(_KEY), _STORE_SECONDS)  # type: ignore[attr-defined]  # JavaScript's
        return text if isinstance(text, str) else None

    async def put(self, text: str) -> None:
        await _in_time(lambda: self._binding.put(_KEY, text), _STORE_SECONDS)  # type: ignore[attr-defined]  # JavaScript's


class _Metrics:
    """A dataset of Analytics Engine (https://developers.cloudflare.com/analytics/analytics-engine/get-started/)."""

    def __init__(self, binding: object) -> None:
        self._binding = binding

    def write(self, outcome: str, numbers: Sequence[float]) -> None:
        try:
            self._binding.writeDataPoint(_object({"blobs": [outcome], "doubles": [*numbers], "indexes": ["tick"]}))  # type: ignore[attr-defined]  # JavaScript's
        except (AttributeError, JsException) as error:
            raise _error(error) from None


async def _in_time(call: Callable[[], Awaitable[object]], seconds: float) -> object:
    """What comes of it. Raises OSError where that is an error, or takes too long."""
    try:
        return await asyncio.wait_for(call(), seconds)
    except TimeoutError:
        raise OSError("no answer in time") from None
    except (AttributeError, JsException) as error:
        raise _error(error) from None


def _error(error: Exception) -> OSError:
    """Of JavaScript's errors the name alone, for their texts may hold addresses; the other means a binding of another kind."""
    return OSError("it is a binding of another kind" if isinstance(error, AttributeError) else error.name)  # type: ignore[attr-defined]  # JavaScript's


def _object(fields: Mapping[str, object]) -> object:
    return to_js(fields, dict_converter=js.Object.fromEntries)
