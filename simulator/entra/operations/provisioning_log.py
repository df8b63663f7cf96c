"""What provisioning did (https://learn.microsoft.com/graph/api/provisioningobjectsummary-list)."""

from simulator.entra import access
from simulator.entra.answers import Answer
from simulator.entra.call import Call
from simulator.entra.odata import Grammar
from simulator.entra.operations.lists import listed
from simulator.entra.provisioning.log import Event, event_entity
from simulator.entra.routes import route
from simulator.entra.service import Service
from simulator.messages import JSON

_GRAMMAR = Grammar(frozenset({"startswith", "contains"}), frozenset({"gt", "lt"}), bare_values=True, folds_case=False)
_PLAIN = ("id", "jobId", "cycleId", "changeId", "activityDateTime", "provisioningAction", "tenantId")
_NESTED = ("provisioningStatusInfo/status", "servicePrincipal/id", "sourceIdentity/id", "sourceIdentity/displayName", "targetIdentity/id")


def list_log(service: Service, call: Call) -> Answer:
    """The latest event first."""
    service.admit(call, access.READ_LOG)
    directory = service.directory
    events = [event for event in reversed(service.provisioning.log) if event.time <= call.now - service.behaviour.log_lag]

    def show(event: Event) -> dict[str, JSON]:
        return event_entity(event, service.tenant_id, directory.name_of(event.principal_id))

    def filterable(event: Event) -> dict[str, JSON]:
        whole = show(event)
        return {name: whole[name] for name in _PLAIN} | {name: _within(whole, name) for name in _NESTED}

    return listed(service, call, "auditLogs/provisioning", events, show, filterable, (*_PLAIN, *_NESTED), _GRAMMAR)


def _within(whole: dict[str, JSON], path: str) -> JSON:
    outer, _, inner = path.partition("/")
    value = whole[outer]
    return value.get(inner) if isinstance(value, dict) else None


ROUTES = [route("GET", "/auditLogs/provisioning", list_log)]
