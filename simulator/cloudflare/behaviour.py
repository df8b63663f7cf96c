"""What Cloudflare leaves open, or what differs between accounts, plans and years: a field a choice."""

from dataclasses import dataclass
from typing import Literal


@dataclass(slots=True)
class Behaviour:
    """Seconds are seconds. The defaults are what documentation and observation make likeliest."""

    answer_seconds: float = 0.0
    """How long each request takes."""

    # --- reading lists ---
    list_lag: float = 0.0
    """How old, at most, what a read shows of a list may be; the listing's counts and dates too."""
    embedded_items: Literal["all", "first 1000", "none"] = "all"
    """What a read of one list shows of its items where it has more than `embedded_at_most`."""
    embedded_at_most: int = 1000
    items_page_at_most: int = 1000
    per_page_beyond: Literal["clamp", "refused"] = "clamp"
    result_info: bool = True
    """Whether lists come with `result_info`."""
    empty_items: Literal["null", "absent", "[]"] = "null"
    zero_count: Literal["absent", "zero"] = "absent"
    listing_takes_queries: bool = True
    """Whether the listing knows `filter`, `search`, `order_by` and `direction`, or ignores them as older deployments do."""

    # --- writing lists ---
    append_of_present: Literal["accepted", 409, 400] = "accepted"
    rest_applied: bool = False
    """Whether a PATCH that is refused for one value has changed the others all the same."""
    removes_first: bool = True
    """Whether `remove` takes effect before `append`, which makes its room usable in the same PATCH."""
    unique_by: Literal["spelling", "letters"] = "spelling"
    """Whether two values that differ in case only are two; with "letters" a removal takes either spelling."""
    lower_cases: bool = False
    """Whether values are stored in lower case."""
    values_per_patch: int | None = None
    """`append` and `remove` together."""
    body_at_most: int | None = None
    """Bytes of a request's body."""
    put_of_no_items: Literal["empties", "ignored"] = "ignored"

    # --- rules ---
    rule_patch: Literal["available", 404, 405] = "available"
    precedence_taken: Literal[400, 409] = 400
    drops_dashes: bool = False
    """Whether stored expressions name lists without dashes."""
    adds_parentheses: bool = False
    """Whether stored expressions stand in parentheses."""
    wrong_list: Literal["refused", "warned"] = "refused"
    """What becomes of a rule whose list does not exist or is of another type."""

    # --- enforcement ---
    enforcement_seconds: float = 0.0
    """How long after a change of a list, a rule or the configuration Gateway still acts on what was before."""
    email_case: Literal["ignored", "heeded"] = "ignored"
    """Whether `identity.email` is compared without regard to case."""
    isolate_matches_variants: bool = True
    """Whether Isolate matches dot and plus variants of an address although extended e-mail matching is off."""

    # --- tokens ---
    missing_right: Literal["403 10000", "400 10000", "403 9109"] = "403 10000"
    invalid_token_status: Literal[401, 403] = 401
    dead_token_verifies: bool = False
    """Whether verify answers for a disabled or expired token, with its status, instead of refusing it."""
    young_token_seconds: float = 0.0
    """How long a new token is answered 403."""
    grants_only_own: bool = False
    """Whether a token can give another one only what it may do itself."""

    # --- limits ---
    rate_limits: bool = True
    throttled_as: Literal["json", "text", "html"] = "json"
    retry_after: bool = True
    """Whether 429 comes with `retry-after`."""
    unknown_codes: Literal["number", "absent"] = "number"
    """What stands for a `code` that is documented nowhere: a number of this account's own, or nothing."""

    # --- Access ---
    secret_shown_as: Literal["null", "masked"] = "null"
    put_without_secret: Literal["kept", "lost"] = "lost"
    """What a PUT of a provider without its client secret does to the stored one."""
    population_reads_scim: bool = True
    """Whether "Access: Population Read" is enough for SCIM resources."""
    scim_log_by_token: bool = True
    scim_matches_case: bool = False
    """Whether a SCIM address finds a person only in the same spelling."""

    # --- Workers analytics ---
    analytics_lag: float = 0.0
    """How long a run of a Worker takes to appear."""
    analytics_refusal: Literal[200, 403] = 403
