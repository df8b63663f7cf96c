"""The Gateway configuration (https://developers.cloudflare.com/api/resources/zero_trust/subresources/gateway/subresources/configurations/)."""

import re

from simulator.cloudflare.envelope import Answer, stamp
from simulator.cloudflare.service import Call, Service, member
from simulator.messages import JSON


def get_configuration(service: Service, _: Call, __: "re.Match[str]") -> Answer:
    """What was ever set; a block that was not is absent, which means off."""
    return _answer(service)


def patch_configuration(service: Service, call: Call, _: "re.Match[str]") -> Answer:
    """Merged deeply. A block once set cannot be unset: null changes nothing (observed)."""
    service.state.set_settings(_merged(service.state.settings.value, member(call.object(), "settings")), call.now)
    return _answer(service)


def put_configuration(service: Service, call: Call, _: "re.Match[str]") -> Answer:
    """Replaces everything: what is left out is gone."""
    service.violate("PUT gateway/configuration: it replaces what others have set")
    service.state.set_settings(member(call.object(), "settings"), call.now)
    return _answer(service)


def enabled(settings: dict[str, JSON], block: str) -> bool:
    """Whether a block is on."""
    value = settings.get(block)
    return isinstance(value, dict) and value.get("enabled") is True


def _merged(former: dict[str, JSON], changes: dict[str, JSON]) -> dict[str, JSON]:
    merged = dict(former)
    for name, value in changes.items():
        if isinstance(value, dict):
            known = former.get(name)
            merged[name] = _merged(known if isinstance(known, dict) else {}, value)
        elif value is not None:
            merged[name] = value
    return merged


def _answer(service: Service) -> Answer:
    state = service.state
    dates: dict[str, JSON] = {"created_at": stamp(state.created), "updated_at": stamp(state.settings_updated)}
    return Answer({"settings": dict(state.settings.value), **dates})
