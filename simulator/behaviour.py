"""What Microsoft leaves open, or what differs between clouds, replicas and years: a field a choice."""

from dataclasses import dataclass
from typing import Literal


@dataclass(slots=True)
class Behaviour:
    """Seconds are seconds. The defaults are what documentation and observation make likeliest."""

    answer_seconds: float = 0.0
    """How long each request takes."""
    token_seconds: int = 3599
    shuffled_batches: bool = True

    risky_users_page: int = 20
    """Users on a page where $top is not given."""
    page_at_most: int = 999
    """Entries on a page, however many $top asks for: it is a hint."""
    top_beyond_maximum: Literal["error", "clamp"] = "error"
    or_filter: bool = True
    """Whether riskyUsers takes `or` in a filter."""
    in_filter: bool = False
    """Whether riskyUsers takes `in` in a filter."""
    one_risky_read_a_second: bool = True
    listed_twice: bool = False
    """Whether a page of risky users repeats the last entry of the one before, as a list that changes meanwhile does."""

    lookup_lag: float = 0.0
    """How long the look-up by name misses a new group and still shows a deleted one."""
    member_lag: float = 0.0
    """How old, at most, a list of members may be."""
    young_seconds: float = 0.0
    """How long some replicas do not know a new group."""
    young_error: Literal[400, 404] = 404
    unique_names: bool = True
    """Whether the cloud knows groups' `uniqueName`."""
    upsert_of_existing: Literal[204, 403] = 204
    """What Group.Create alone gets for an upsert of a group that exists."""
    lookup_needs_read_permission: bool = False
    """Whether GroupMember.ReadWrite.All does not suffice to look groups up."""
    adding_needs_user_permission: bool = False
    """Whether adding users takes User.ReadBasic.All as well, as it once did."""

    not_a_member: Literal[400, 404] = 404
    patch_404_names: Literal["user", "group"] = "user"
    retry_after: Literal["integer", "fraction", "date", "none"] = "integer"
    """The form of Retry-After where a quota is used up."""
    throttled_batch: Literal[200, 424] = 200
    """The status of a batch with a throttled item in it."""
    inner_error: Literal["innerError", "innererror"] = "innerError"
    patches_together: int = 5
    """PATCHes of members in one batch beyond which Graph answers 503."""
    concurrency_error: Literal[400, 409] = 409
    write_quota: bool = True
    """3,000 write units in 150 s."""
    resource_quota: bool = True
    """3,500 resource units in 10 s, more in larger tenants."""
