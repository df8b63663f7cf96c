"""When the credential ends that the Worker signs in with: the one fault that comes by itself, on a day that is known."""

from collections.abc import Iterator

from access_token import ALGORITHMS
from errors import AuthError
from expiry import DAY_SECONDS, SOON_DAYS, days_left, end_of_secret, warning
from risky_users.check.findings import Finding, State, skipped
from risky_users.check.seen import Entry, Seen, Unseen, date, entries_at, time_at
from risky_users.facts import TenantFacts
from settings import Settings

CHECK = "expiry"
_RENEW = "make another with `risky-users rotate`"


def expiry(settings: Settings, facts: TenantFacts | AuthError, registration: Seen[Entry], now: float) -> Iterator[Finding]:
    """When it ends, by who knows best: the certificate, the app's registration, which an administrator may see too, the variable."""
    if isinstance(facts, AuthError):
        yield from _of_what_is_refused(settings, registration, now)
        return
    if settings.certificate and facts.served in ALGORITHMS:
        yield _ending(settings.certificate.ends, "the certificate", now)
        return
    shown = facts.secret_ends or _shown(settings, registration, now)
    if shown:
        yield _ending(shown, "the app registration", now, _contradiction(settings, shown))
    elif settings.credential_expires:
        yield _ending(settings.credential_expires, "CREDENTIAL_EXPIRES", now)
    else:
        yield Finding(CHECK, State.WARNING, f"not known: {_HOW_TO_KNOW}.")


_HOW_TO_KNOW = (
    "Graph does not show this app its own registration; put the date on which the secret ends into wrangler.toml as CREDENTIAL_EXPIRES, "
    "so that the Worker can warn"
)


def _of_what_is_refused(settings: Settings, registration: Seen[Entry], now: float) -> Iterator[Finding]:
    """The secrets that an administrator sees, where none of the Worker's serves."""
    if isinstance(registration, Unseen):
        yield from skipped([CHECK], "not checked: the Worker must be able to sign in first.")
        return
    ends = [end for each in entries_at(registration, "passwordCredentials") if (end := time_at(each, "endDateTime"))]
    good = [end for end in ends if end > now]
    if settings.client_secret and ends and not good:
        yield from skipped([CHECK], f"all secrets of the app have ended, the last on {date(max(ends))}: {_RENEW}.")
    else:
        many = f"{len(good)} of its {len(ends)} secrets are good"
        yield from skipped([CHECK], f"not known which one the Worker has; the app registration says that {many}.")


def _shown(settings: Settings, registration: Seen[Entry], now: float) -> float | None:
    return None if isinstance(registration, Unseen) else end_of_secret(dict(registration), settings.client_secret, now)


def _contradiction(settings: Settings, end: float) -> str:
    told = settings.credential_expires
    if told is None or abs(told - end) <= DAY_SECONDS:
        return ""
    return f"CREDENTIAL_EXPIRES says {date(told)}: correct it in wrangler.toml"


def _ending(end: float, source: str, now: float, contradiction: str = "") -> Finding:
    left = days_left(end, now)
    if left <= SOON_DAYS:
        return Finding(CHECK, State.WARNING, f"{warning(end, now)} So says {source}.")
    told = f"on {date(end)}, in {left} days, says {source}"
    if contradiction:
        return Finding(CHECK, State.WARNING, f"{told}; {contradiction}.")
    return Finding(CHECK, State.OK, f"{told}.")
