"""Which application permissions each operation takes: any one of them suffices.

From the permission tables of the Graph reference (https://learn.microsoft.com/graph/permissions-reference), as far as they
concern these operations.
"""

ROLE_IDS = {
    "IdentityRiskyUser.Read.All": "dc5007c0-2d7d-4c42-879c-2dab87571379",
    "IdentityRiskyUser.ReadWrite.All": "656f6061-f9fe-4807-9708-6a2e0934df76",
    "Group.Create": "bf7b1a76-6e77-406b-b258-bf5c7720e98f",
    "Group.ReadBasic.All": "07d67222-3a10-4d3b-9ddc-b8aa43198a00",
    "Group.Read.All": "5b567255-7703-4780-807c-7be8301ae99b",
    "Group.ReadWrite.All": "62a82d76-70ea-41e2-9197-370581804d09",
    "GroupMember.ReadBasic.All": "8222c640-cae5-4860-8d11-b32cfad95e03",
    "GroupMember.Read.All": "98830695-27a2-44f7-8c18-0c3ebc9698f6",
    "GroupMember.ReadWrite.All": "dbaae8cf-10b5-4b86-a4a1-f871c94c6695",
    "User.ReadBasic.All": "97235f07-e226-4f63-ace3-39588e11d3a1",
    "User.Read.All": "df021288-bdef-4463-88db-98f22de89214",
    "Directory.Read.All": "7ab1d382-f21e-4acd-a863-ba3e13f7da61",
    "Directory.ReadWrite.All": "19dbc75e-c2e2-444c-a770-ec69d8559fc7",
}
"""The ids of their app roles, by which an app registration names them."""

READ_RISKY_USERS = frozenset({"IdentityRiskyUser.Read.All", "IdentityRiskyUser.ReadWrite.All"})
CHANGE_RISKY_USERS = frozenset({"IdentityRiskyUser.ReadWrite.All"})

_READ_BOTH = frozenset({"GroupMember.Read.All", "Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"})
READ_GROUPS = _READ_BOTH | {"Group.ReadBasic.All"}
"""The table omits GroupMember.ReadWrite.All, whose description includes it; Behaviour.lookup_needs_read_permission decides."""
READ_MEMBERS = _READ_BOTH | {"GroupMember.ReadBasic.All", "GroupMember.ReadWrite.All"}
CREATE_GROUPS = frozenset({"Group.Create", "Group.ReadWrite.All", "Directory.ReadWrite.All"})
WRITE_MEMBERS = frozenset({"GroupMember.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All"})
WRITE_GROUPS = frozenset({"Group.ReadWrite.All", "Directory.ReadWrite.All"})
DELETE_GROUPS = frozenset({"Group.ReadWrite.All"})
READ_USERS = frozenset({"User.ReadBasic.All", "User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"})
DELETE_USERS = frozenset({"User.ReadWrite.All"})
