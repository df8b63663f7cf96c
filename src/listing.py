"""Lists that come in pages, read to their end; and what their entries say."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Literal, NamedTuple, cast

from addresses import Mailbox
from exchange import GraphRequest, GraphResponse
from operations import ask
from text import GUID, JSON

_USER = "#microsoft.graph.user"


class Listing(NamedTuple):
    """The entries of the pages read, how many pages that were, the last response, and how the list ended.

    "more": there are further pages, which were not wanted. "strange": the next page lies outside of Graph, or was read
    already. "failed": the last response is no page.
    """

    entries: "list[JSON]"
    pages: int
    last: GraphResponse
    end: Literal["complete", "more", "strange", "failed"]


async def read_pages(request: GraphRequest, root: str, *, at_most: int | None = None) -> Listing:
    """Follow the list from this request on.

    A next link is Graph's own and is sent on as it came, byte for byte, but only below the origin and version that
    everything else goes to, and never twice (https://learn.microsoft.com/graph/paging).
    """
    entries: list[JSON] = []
    followed: set[str] = set()
    while True:
        [response] = await ask(request)
        body = response.body if isinstance(response.body, dict) else {}
        page, pages = body.get("value"), len(followed) + 1
        if response.status != 200 or not isinstance(page, list):  # another 2xx, 206 say, promises less than a page
            return Listing(entries, len(followed), response, "failed")
        entries += page
        link = body.get("@odata.nextLink")
        if link is None:
            return Listing(entries, pages, response, "complete")
        if not isinstance(link, str) or not link.startswith(f"{root}/") or link in followed:
            return Listing(entries, pages, response, "strange")
        if pages == at_most:
            return Listing(entries, pages, response, "more")
        followed.add(link)
        request = request._replace(url=link.removeprefix(root), pause=0.0)


def mailboxes(entries: "Sequence[JSON]") -> dict[str, Mailbox]:
    """The mailboxes of the users among these entries, by id. Where the right to read users is missing, Graph leaves both null
    (https://learn.microsoft.com/graph/permissions-overview#limited-information-returned-for-inaccessible-member-objects)."""
    found = {}
    for entry in entries:
        if isinstance(entry, dict) and isinstance(user := entry.get("id"), str) and entry.get("@odata.type", _USER) == _USER:
            mail, principal_name = _text(entry.get("mail")), _text(entry.get("userPrincipalName"))
            found[user.lower()] = Mailbox(mail, principal_name, not principal_name or "mail" not in entry)
    return found


def _text(value: "JSON") -> str | None:
    return value if isinstance(value, str) else None


def ids_by(fact: str, entries: "Sequence[JSON]", known: Collection[str]) -> tuple[dict[str, set[str]], bool]:
    """Object ids, in lower case, by what their entries give as `fact`, without those marked deleted; and whether every entry
    made sense.

    Here a large tenant's tick spends its time, hence few calls: `known` ids are spared the pattern, and what is not as
    Graph promises is noticed by the exception it raises.
    """
    ids: defaultdict[str, set[str]] = defaultdict(set)
    sound = True
    for entry in cast("Sequence[dict[str, str]]", entries):
        try:
            object_id, alike = entry["id"], ids[entry[fact]]
            if object_id not in known:
                if not GUID.fullmatch(object_id):
                    sound = False
                    continue
                object_id = object_id.lower()
            if "isDeleted" not in entry or entry["isDeleted"] is not True:  # type: ignore[comparison-overlap]  # the cast tells of ids
                alike.add(object_id)
        except (KeyError, TypeError):
            sound = False
    return ids, sound and all(isinstance(value, str) and value for value in ids)
