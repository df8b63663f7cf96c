"""The plain way: a token for every request, no batches, one request after the other, one level after the other.

It works as Cloudflare's JavaScript reference does (https://github.com/cloudflare/msft-risky-user-ad-sync), except that it
reads every page and removes members instead of groups, without which it would not do the job.
"""

import json
from http import HTTPMethod
from urllib.parse import quote, urlencode

from workers import WorkerEntrypoint, fetch

GRAPH = "https://graph.microsoft.com/v1.0"


class Default(WorkerEntrypoint):
    """What the runtime instantiates for each event."""

    async def scheduled(self, controller: object, env: object, ctx: object) -> None:
        """One tick."""
        for level in ("high", "medium", "low"):
            group = await self.group(f"IdentityProtection-RiskyUser-RiskLevel-{level}")
            at_level = quote(f"riskLevel eq '{level}'")
            risky = await self.ids(f"{GRAPH}/identityProtection/riskyUsers?$filter={at_level}&$top=500")
            members = await self.ids(f"{GRAPH}/groups/{group}/members?$top=999")
            joining = sorted(risky - members)
            for start in range(0, len(joining), 20):
                users = [f"{GRAPH}/directoryObjects/{user}" for user in joining[start : start + 20]]
                await self.graph(HTTPMethod.PATCH, f"{GRAPH}/groups/{group}", {"members@odata.bind": users})
            for user in sorted(members - risky):
                await self.graph(HTTPMethod.DELETE, f"{GRAPH}/groups/{group}/members/{user}/$ref")

    async def group(self, name: str) -> str:
        """The id of the group of this name."""
        by_name = quote(f"displayName eq '{name}'")
        found = json.loads(await self.graph(HTTPMethod.GET, f"{GRAPH}/groups?$filter={by_name}"))["value"]
        if found:
            return str(found[0]["id"])
        properties = {"displayName": name, "mailNickname": name, "mailEnabled": False, "securityEnabled": True}
        return str(json.loads(await self.graph(HTTPMethod.POST, f"{GRAPH}/groups", properties))["id"])

    async def ids(self, url: str | None) -> set[str]:
        """The ids on all pages."""
        found: set[str] = set()
        while url:
            page = json.loads(await self.graph(HTTPMethod.GET, url))
            found.update(entry["id"] for entry in page["value"])
            url = page.get("@odata.nextLink")
        return found

    async def graph(self, method: HTTPMethod, url: str, body: object = None) -> str:
        """One request with a token of its own."""
        headers = {"authorization": f"Bearer {await self.token()}", "content-type": "application/json"}
        text = None if body is None else json.dumps(body)
        response = await fetch(url, method=method, headers=headers, body=text)
        if response.status >= 400:
            raise OSError(f"{method} {url}: {response.status}")
        return await response.text()

    async def token(self) -> str:
        """A new access token."""
        form = {
            "client_id": self.env.AZURE_AD_CLIENT_ID,
            "client_secret": self.env.AZURE_AD_CLIENT_SECRET,
            "scope": "https://graph.microsoft.com/.default",
            "grant_type": "client_credentials",
        }
        url = f"https://login.microsoftonline.com/{self.env.AZURE_AD_TENANT_ID}/oauth2/v2.0/token"
        headers = {"content-type": "application/x-www-form-urlencoded"}
        response = await fetch(url, method=HTTPMethod.POST, headers=headers, body=urlencode(form))
        return str(json.loads(await response.text())["access_token"])
