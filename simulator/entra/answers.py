"""What Graph's operations answer, alone or in a batch."""

import json
from dataclasses import dataclass, field, replace

from simulator.messages import JSON, Response, as_json

CONTENT_TYPE = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"


@dataclass(slots=True)
class Answer:
    """One operation's answer, to become a Response or one of a batch's; status 0 is no answer at all."""

    status: int
    body: JSON = None
    headers: dict[str, str] = field(default_factory=dict)
    resource_units: float = 1.0
    write_units: float = 0.0
    delay: float = 0.0
    """Seconds it takes longer than others."""

    def as_response(self) -> Response:
        """The same alone, without what Graph says of every request."""
        return Response(self.status, self.headers, b"" if self.body is None else as_json(self.body), self.delay)

    def spoiled(self, response: Response) -> "Answer":
        """The same after `response` has become of it: as a batch shows it, what is no JSON is text."""
        try:
            body: JSON = json.loads(response.body) if response.body else None
        except ValueError:
            body = response.body.decode(errors="replace")
        return replace(self, status=response.status, headers=dict(response.headers), body=body, delay=response.delay)
