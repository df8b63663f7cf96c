"""From users to the addresses by which Cloudflare knows them. Pure; no address of anybody's ever leaves for a log.

Gateway compares the e-mail claim of a login, which is a user's `mail`, and without one the user principal name
(https://developers.cloudflare.com/cloudflare-one/integrations/identity-providers/entra-id/). A guest's principal name in
the `#EXT#` form is nobody's address.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

LONGEST = 254
_PLAIN = re.compile(r"[^\s@]+@[^\s@]+")


class Mailbox(NamedTuple):
    """What the directory tells of a user: `mail` None where there is no mailbox, `unread` where it was not told."""

    mail: str | None = None
    principal_name: str | None = None
    unread: bool = False

    def lacks(self, which: str) -> bool:
        """Whether something was not told that the addresses to be written depend on."""
        return self.unread and (which != "upn" or not self.principal_name)


UNREAD = Mailbox(unread=True)


def usable(address: object) -> str:
    """The address in lower case; nothing where it could not be one."""
    if not isinstance(address, str) or "#ext#" in (lower := address.strip().lower()):
        return ""
    return lower if _PLAIN.fullmatch(lower) and len(lower) <= LONGEST and lower.isprintable() else ""


def forms(mailbox: Mailbox, which: str) -> tuple[str, ...]:
    """The addresses to write for a user, the one that matters more first; where there is no mail, the principal name."""
    mail = "" if which == "upn" or mailbox.unread else usable(mailbox.mail)
    principal_name = usable(mailbox.principal_name) if which != "mail" or not mail else ""
    return tuple(dict.fromkeys(filter(None, (mail, principal_name))))


@dataclass(slots=True)
class AddressBook:
    """Everybody's addresses, as this tick knows them.

    `forms` are those to be written for each risky user; `owners` are all users who are known to have an address, at risk
    or not; `mails` are addresses of mailboxes. `unread` are risky users of whom something was not told, `nameless` those of
    them whose principal name was not; `forbidden`: mail is told of nobody, for want of a permission.
    """

    forms: dict[str, tuple[str, ...]] = field(default_factory=dict)
    mails: set[str] = field(default_factory=set)
    owners: dict[str, set[str]] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set)
    nameless: set[str] = field(default_factory=set)
    forbidden: bool = False

    @classmethod
    def of(cls, risky: Iterable[str], mailboxes: Mapping[str, Mailbox], which: str, *, forbidden: bool) -> "AddressBook":
        """The book of these risky users, from all mailboxes that were read, theirs and those of others."""
        book = cls(forbidden=forbidden)
        for user in risky:
            mailbox = mailboxes.get(user, UNREAD)
            book.forms[user] = forms(mailbox, which)
            if mailbox.unread and mailbox.lacks(which):
                book.unread.add(user)
                if not mailbox.principal_name:
                    book.nameless.add(user)
        for user, (mail, principal_name, _) in mailboxes.items():
            for address in {usable(mail), usable(principal_name)} if mail != principal_name else {usable(mail)}:
                book.owners.setdefault(address, set()).add(user)
        book.owners.pop("", None)
        book.mails = {usable(mailbox.mail) for mailbox in mailboxes.values() if mailbox.mail}
        return book

    def wanted(self, users: Collection[str], room: int, present: Collection[str]) -> dict[str, set[str]]:
        """Which addresses a list is to hold, with whose they are.

        Where not all fit, second forms go first, and those that are not there yet before those that are.
        """
        first: dict[str, set[str]] = {}
        second: dict[str, set[str]] = {}
        for user in sorted(users):
            for place, address in enumerate(self.forms[user]):
                (first if place == 0 else second).setdefault(address, set()).add(user)
        chosen: dict[str, set[str]] = {}
        for each in (first, second):
            for address in sorted(each, key=lambda address: address not in present):
                if address in chosen or len(chosen) < room:
                    chosen.setdefault(address, set()).update(each[address])
        return chosen
