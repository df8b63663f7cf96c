"""Permission groups of API tokens, and which each operation takes: any one of them suffices.

https://developers.cloudflare.com/fundamentals/api/reference/permissions/ and, by operation, the `x-api-token-group` of the
published schema (https://github.com/cloudflare/api-schemas), as far as they concern these operations.
"""

GROUP_IDS = {
    "Access: Apps and Policies Read": "7ea222f6d5064cfa89ea366d7c1fee89",
    "Access: Apps and Policies Write": "1e13c5124ca64b72b1969a67e8829049",
    "Access: Audit Logs Read": "b05b28e839c54467a7d6cba5d3abb5a3",
    "Access: Organizations, Identity Providers, and Groups Read": "26bc23f853634eb4bff59983b9064fde",
    "Access: Organizations, Identity Providers, and Groups Revoke": "7121a0c7e9ed46e3829f9cca2bb572aa",
    "Access: Organizations, Identity Providers, and Groups Write": "bfe0d8686a584fa680f4c53b5eb0de6d",
    "Access: Population Read": "de99c87e48d642ce8c985d027905b475",
    "Access: Population Write": "bc783549a3a741aaa10556faf8b485bb",
    "Access: SCIM Logs Read": "e985ca9351db460faebbe8681c48e560",
    "Account API Tokens Read": "eb56a6953c034b9d97dd838155666f06",
    "Account API Tokens Write": "5bc3f8b21c554832afc660159ab75fa4",
    "Account Analytics Read": "b89a480218d04ceb98b4fe57ca29dc1f",
    "Account Settings Read": "c1fde68c7bcc44588cbb6ddbc16d6480",
    "Workers Scripts Read": "1a71c399035b4950a1bd1466bbe4f420",
    "Workers Scripts Write": "e086da7e2179491d91ee5f35b3ca210a",
    "Zero Trust Read": "3f376c8e6f764a938b848bd01c8995c4",
    "Zero Trust Write": "b33f02c6f7284e05a6f20741c0bb0567",
    "Zero Trust: PII Read": "f5d857f67f144e3c8bacea88c17d4a13",
    "Zero Trust: Seats Write": "a1a6298e52584c8fb6313760a30c681e",
}

READ_GATEWAY = frozenset({"Zero Trust Read", "Zero Trust Write"})
WRITE_GATEWAY = frozenset({"Zero Trust Write"})
WRITE_PROVIDERS = frozenset({"Access: Organizations, Identity Providers, and Groups Write"})
READ_PROVIDERS = WRITE_PROVIDERS | {"Access: Organizations, Identity Providers, and Groups Read"}
READ_SCIM = READ_PROVIDERS | {"Access: Population Read"}
"""The change log names the last, the schema does not; Behaviour.population_reads_scim decides."""
READ_SCIM_LOG = frozenset({"Access: SCIM Logs Read"})
READ_PEOPLE = frozenset({"Access: Audit Logs Read"})
CREATE_PEOPLE = WRITE_GATEWAY | WRITE_PROVIDERS
"""Inferred: the schema publishes none."""
READ_ACCOUNT = frozenset({"Account Settings Read", "Workers Scripts Read", "Workers Scripts Write", "Zero Trust: PII Read"})
"""Of those published, the ones above; Zero Trust Read and Write are not among them."""
WRITE_TOKENS = frozenset({"Account API Tokens Write"})
READ_TOKENS = WRITE_TOKENS | {"Account API Tokens Read"}
WRITE_WORKERS = frozenset({"Workers Scripts Write"})
READ_WORKERS = WRITE_WORKERS | {"Workers Scripts Read"}
READ_ANALYTICS = frozenset({"Account Analytics Read"})
ANYTHING = frozenset(GROUP_IDS)
