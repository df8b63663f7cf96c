"""A Worker that sends one empty `$batch` and parses the answer: nothing that talks to Graph can cost less."""

import json
from http import HTTPMethod

from workers import WorkerEntrypoint, fetch

HEADERS = {"content-type": "application/json", "accept": "application/json"}


class Default(WorkerEntrypoint):
    """What the runtime instantiates for each event."""

    async def scheduled(self, controller: object, env: object, ctx: object) -> None:
        """Without a token: the answer is a short error in JSON."""
        body = json.dumps({"requests": []})
        response = await fetch("https://graph.microsoft.com/v1.0/$batch", method=HTTPMethod.POST, headers=HEADERS, body=body)
        json.loads(await response.text())
