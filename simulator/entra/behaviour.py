"""What Microsoft leaves open, or what differs between clouds, replicas and years: a field a choice."""

from dataclasses import dataclass
from typing import Literal

from simulator.entra.admin_behaviour import AdminBehaviour


@dataclass(slots=True)
class Behaviour(AdminBehaviour):
    """Seconds are seconds. The defaults are what documentation and observation make likeliest."""

    answer_seconds: float = 0.0
    """How long each request takes."""
    token_seconds: int = 3599
    shuffled_batches: bool = True

    # --- pages and filters ---

    page_at_most: int = 999
    """Entries on a page, however many $top asks for: it is a hint."""
    page_part: int = 1
    """A page holds one in so many of the entries that $top asks for, one at least."""
    top_beyond_maximum: Literal["error", "clamp"] = "error"
    or_clauses: int = 15
    """How many comparisons an `or` or `in` may hold in a filter of users or groups; said of `in`, seen of `or`
    (https://learn.microsoft.com/graph/filter-query-parameter)."""

    # --- risky users ---

    risky_users_page: int = 20
    """Users on a page where $top is not given."""
    risky_users_top: int = 500
    """The largest $top (https://learn.microsoft.com/graph/api/riskyuser-list). That of /users fell from 999 to 120 overnight once
    (https://github.com/microsoftgraph/msgraph-sdk-powershell/issues/1898)."""
    full_last_page_links: bool = False
    """Whether a last page that is full carries a next link all the same, which leads to a 400 without a message
    (https://github.com/microsoftgraph/microsoft-graph-docs/issues/16332)."""
    shifting_pages: bool = True
    """Whether a page begins at a position in the list as it is by then, so that whoever comes after somebody who has left
    the list since may be on no page; else it begins after the last one shown. The tokens seen end in a count of users."""
    listed_twice: bool = False
    """Whether a page of risky users repeats the last entry of the one before, as a list that changes meanwhile does."""
    or_filter: bool = True
    """Whether riskyUsers takes `or` in a filter."""
    in_filter: bool = False
    """Whether riskyUsers takes `in` in a filter."""
    refused_filter: Literal["invalid clause", "unsupported query", "no message"] = "invalid clause"
    """How it refuses one of these: BadRequest "Invalid filter clause", Request_UnsupportedQuery, or BadRequest and no word."""
    one_risky_read_a_second: bool = True

    # --- groups and their members ---

    lookup_lag: float = 0.0
    """How long the look-up by name misses a new group and still shows a deleted one."""
    member_lag: float = 0.0
    """How old, at most, a list of members may be."""
    young_seconds: float = 0.0
    """How long some replicas do not know a new group."""
    young_error: Literal[400, 404, "400 invalid"] = 404
    """400 that an object does not exist, 404, or 400 that values are invalid (terraform-provider-azuread retries all three)."""
    unique_names: bool = True
    """Whether the cloud knows groups' `uniqueName`."""
    unique_names_kept: bool = False
    """Whether a deleted group keeps its `uniqueName` while it can be restored, so that no other can be made by it. Deleted
    applications are known to (https://github.com/microsoftgraph/msgraph-bicep-types/issues/137)."""
    upsert_of_existing: Literal[204, 403] = 204
    """What Group.Create alone gets for an upsert of a group that exists."""
    lookup_needs_read_permission: bool = False
    """Whether GroupMember.ReadWrite.All does not suffice to look groups up."""
    adding_needs_user_permission: bool = False
    """Whether adding users takes User.ReadBasic.All as well, as it once did."""
    not_a_member: Literal[400, 404] = 404
    patch_404_names: Literal["user", "group"] = "user"

    # --- batches, quotas, errors ---

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
