"""The token with which the Worker keeps the lists: account-owned, with Zero Trust Write and nothing else, straight into the Worker.

It is shown once, in the answer that makes it, so that one whose answer or whose way into the Worker was interrupted is worthless:
another is made, and the former withdrawn. https://developers.cloudflare.com/fundamentals/api/get-started/account-owned-tokens/
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from risky_users.admin.asking import Held, patiently
from risky_users.admin.cloudflare import Cloudflare, Entity, gone
from risky_users.admin.errors import AdminError, Answer, NotAllowed, ServiceRefused, Uncertain
from risky_users.admin.wrangler import Wrangler
from risky_users.setup.ledger import Ledger
from risky_users.setup.steps import Finding, blocked, failed, left_alone, there, to_do
from text import JSON, counted

SECRET = "GATEWAY_API_TOKEN"
ZERO_TRUST_WRITE = "b33f02c6f7284e05a6f20741c0bb0567"
"""https://developers.cloudflare.com/fundamentals/api/reference/permissions/"""
DAYS = 365
RENEWED_DAYS = 30
"""How long before its end it is renewed."""
YOUNG_SECONDS = 90.0
"""How long a token that was just made may be refused."""
_KEY = "gateway-token"
_DAY = 86_400
_BY_HAND = (
    "in Cloudflare's dashboard, Manage account > Account API tokens > Create token, with the permission Account > Zero Trust > Edit "
    f"for this account and nothing else; then `npx wrangler secret put {SECRET}`, and run this again"
)


@dataclass(frozen=True, slots=True)
class WorkerToken:
    """The Worker's token and the secret that holds it."""

    cloudflare: Cloudflare
    wrangler: Wrangler
    ledger: Ledger
    worker_planned: bool = False
    """Whether the Worker will be there by then."""

    @property
    def name(self) -> str:
        """What it is called. Tokens have no description, so that the name is the mark."""
        return f"{self.wrangler.name}: Gateway lists (risky-users setup)"

    def look(self) -> Finding:
        """How it is with it. Raises AdminError."""
        deployed = self.wrangler.deployed()
        if not (self.worker_planned or (deployed and deployed.scheduled)):
            return failed(self._no_worker)
        held = SECRET in self.wrangler.secrets()
        if held and _KEY not in self.ledger:
            return there(f"the Worker has a {SECRET}, which was not made here.")
        try:
            tokens = self._tokens()
        except NotAllowed as refused:
            if held and self._given:
                return there(
                    f"the Worker has it; until when is not known, because this token may not read the account's ({refused.answer})."
                )
            return blocked(f"this token may not make others. By hand: {_BY_HAND}.", "Account API Tokens Write, or the dashboard")
        mine = self._kept(tokens, held=held)
        if mine is None:
            return to_do(f"make an account-owned token with Zero Trust Write for {DAYS} days, and give it to the Worker as {SECRET}.")
        if self._ends_soon(mine):
            return to_do(f"renew the token, which ends on {_day(mine)}.")
        if len(tokens) > 1:
            return to_do(f"withdraw {counted(len(tokens) - 1, 'former token')}, which nobody holds any more.")
        return there(f"the Worker has it, until {_day(mine)}.")

    def write(self) -> str:
        """Make one, see that it works, give it to the Worker, withdraw those before it. Raises AdminError."""
        tokens, deployed = self._tokens(), self.wrangler.deployed()
        if not (deployed and deployed.scheduled):  # it was planned, and could not be set up
            raise AdminError(self._no_worker)
        mine = self._kept(tokens, held=SECRET in deployed.secrets)
        if mine and not self._ends_soon(mine):
            self._withdraw(_id(token) for token in tokens if token is not mine)
            return "former ones withdrawn."
        former = [_id(token) for token in tokens]
        ends = datetime.fromtimestamp(self.cloudflare.machine.now() + DAYS * _DAY, UTC).strftime("%Y-%m-%dT00:00:00Z")
        before = self.ledger.fact(_KEY, "pending")
        self.ledger.made(_KEY, name=self.name, pending="yes")
        try:
            made = self._make(ends, former)
        except NotAllowed:
            self._nothing_came_of_it(before)
            raise
        token_id, value = _id(made), str(made.get("value"))
        try:
            self._wait_until_known(value)
            self.wrangler.put_secret(SECRET, value)
        except (AdminError, OSError) as error:
            raise AdminError(f"{error} {self._take_back(token_id, before, error)}") from error
        self.ledger.made(_KEY, id=token_id, pending="")
        self._withdraw(former)
        return f"made, and given to the Worker as {SECRET}; it ends on {ends[:10]}, and this command renews it."

    @property
    def _no_worker(self) -> str:
        return f"there is no Worker {self.wrangler.name} at Cloudflare to give it to: run `risky-users setup worker` first."

    def _kept(self, tokens: Sequence[Entity], *, held: bool) -> Entity | None:
        """The token that the Worker is certain to hold. After an interruption nobody knows which one that is."""
        certain = held and not self.ledger.fact(_KEY, "pending")
        return next((token for token in tokens if certain and _id(token) == self._given), None)

    def _ends_soon(self, token: Entity) -> bool:
        ends = _ends(token)
        return ends is not None and ends < self.cloudflare.machine.now() + RENEWED_DAYS * _DAY

    def _take_back(self, token_id: str, before: str, error: Exception) -> str:
        """What becomes of a new one that could not be put; where the Worker may have it all the same, the next run puts another."""
        try:
            if self.wrangler.may_hold(SECRET, error):
                return "The Worker may have the new token all the same, and none is withdrawn: run this again, which puts another."
            self._withdraw([token_id])  # nobody has it: an attempt that failed leaves no credential behind
        except (AdminError, OSError) as further:
            return f"Nor could the new token {token_id} be withdrawn: {further} Run this again, which does."
        self._nothing_came_of_it(before)
        return "The new token is withdrawn."

    def _nothing_came_of_it(self, before: str) -> None:
        """Which one the Worker has is as well known as it was before."""
        if self._given or before:
            self.ledger.made(_KEY, pending=before)
        else:
            self.ledger.forget(_KEY)

    # --- taking away ---

    def look_for_secret(self) -> Finding:
        """Whether the Worker holds it. Raises AdminError."""
        if SECRET not in self.wrangler.secrets():
            return there("the Worker has none.")
        if _KEY in self.ledger or self._known():
            return to_do(f"take {SECRET} from the Worker.")
        return left_alone(f"{SECRET} was not made here.")

    def delete_secret(self) -> str:
        """Take it from the Worker. Raises AdminError."""
        self.wrangler.delete_secret(SECRET)
        return f"took {SECRET} from the Worker."

    def look_for(self) -> Finding:
        """Whether there is something to withdraw. Raises AdminError."""
        tokens = self._known()
        return to_do(f"withdraw {', '.join(str(token.get('name')) for token in tokens)}.") if tokens else there("none of setup's is known.")

    def _known(self) -> list[Entity]:
        """Those made here, as far as one may see. Raises NotAllowed where there may be some."""
        try:
            return self._tokens()
        except NotAllowed:
            if _KEY in self.ledger:
                raise
            return []

    def withdraw(self) -> str:
        """Withdraw whatever was made here. Raises AdminError."""
        self._withdraw(map(_id, self._tokens()))
        self.ledger.forget(_KEY)
        return "withdrawn."

    # --- at Cloudflare ---

    @property
    def _given(self) -> str:
        """The id of the one that the Worker has."""
        return self.ledger.id(_KEY)

    def _tokens(self) -> list[Entity]:
        """Those made here, ended ones too. Raises AdminError."""
        tokens = self.cloudflare.all("/tokens?per_page=50&include_expired=true", "read the account's API tokens")
        return [token for token in tokens if token.get("name") == self.name or _id(token) == self._given]

    def _make(self, ends: str, former: list[str]) -> Entity:
        resources = {f"com.cloudflare.api.account.{self.cloudflare.account_id}": "*"}
        policy: JSON = {"effect": "allow", "permission_groups": [{"id": ZERO_TRUST_WRITE}], "resources": {**resources}}
        body: JSON = {"name": self.name, "policies": [policy], "expires_on": ends}
        what = "make the Worker's API token"
        try:
            made = self.cloudflare.send("POST", "/tokens", what, body)
            if not made.get("value"):
                raise Uncertain(f"Could not {what}", Answer(200, "", "the answer shows no token"), "Run this again.")
            return made
        except Uncertain:
            self._withdraw(_id(token) for token in self._tokens() if _id(token) not in former)
            raise

    def _wait_until_known(self, value: str) -> None:
        with Cloudflare(self.cloudflare.machine, self.cloudflare.account_id, value) as worker:

            def attempt() -> None:
                try:
                    worker.all("/gateway/lists", "read the lists with the new token")
                except NotAllowed as refused:
                    raise Held(refused, "the token is new, and not known everywhere at Cloudflare yet") from refused

            patiently(worker.machine, attempt, YOUNG_SECONDS)

    def _withdraw(self, token_ids: Iterable[str]) -> None:
        for token_id in token_ids:
            try:
                self.cloudflare.send("DELETE", f"/tokens/{token_id}", f"withdraw the API token {token_id}")
            except ServiceRefused as refused:
                if not gone(refused):
                    raise


def _id(token: Entity) -> str:
    return str(token.get("id"))


def _day(token: Entity) -> str:
    return str(token.get("expires_on") or "it is withdrawn")[:10]


def _ends(token: Entity) -> float | None:
    text = token.get("expires_on")
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() if isinstance(text, str) else None
    except ValueError:
        return None
