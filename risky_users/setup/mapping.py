"""What Entra's provisioning maps: users under the address by which Cloudflare knows them, groups by name with their members.

https://developers.cloudflare.com/cloudflare-one/integrations/identity-providers/entra-id/; the defaults of an application that is in
no gallery fit.
"""

from risky_users.admin.entra import Entity, entries_of, text_of
from risky_users.setup.steps import Finding, left_alone, there

_EMAIL = 'emails[type eq "work"].value'
_USER_NAMES = ("userPrincipalName", "mail")


def look_at_mapping(schema: Entity) -> Finding:
    """Whether a job's schema does that."""
    sources = {
        text_of(mapping, "sourceObjectName"): {
            text_of(each, "targetAttributeName"): _source(each) for each in entries_of(mapping, "attributeMappings")
        }
        for rule in entries_of(schema, "synchronizationRules")
        for mapping in entries_of(rule, "objectMappings")
        if mapping.get("enabled") is not False
    }
    users, groups = sources.get("User", {}), sources.get("Group", {})
    wrong = [] if users.get("userName") in _USER_NAMES else [f"userName comes from {users.get('userName') or 'nowhere'}"]
    wrong += [] if users.get(_EMAIL) == "mail" else [f"{_EMAIL} comes from {users.get(_EMAIL) or 'nowhere'}"]
    wrong += [f"groups have no {each}" for each in ("displayName", "members") if each not in groups]
    if wrong:
        return left_alone(
            f"{'; '.join(wrong)}. Users must arrive under the address by which Cloudflare One knows them, groups by name: "
            "see Provisioning > Mappings in Entra."
        )
    return there(f"userName from {users['userName']}, e-mail from mail, groups by name with their members.")


def _source(mapping: Entity) -> str:
    source = mapping.get("source")
    if not isinstance(source, dict):
        return ""
    return text_of(source, "name") if text_of(source, "type") == "Attribute" else text_of(source, "expression")
