"""The Gateway configuration (https://developers.cloudflare.com/api/resources/zero_trust/subresources/gateway/subresources/configurations/)."""

import re

from simulator.cloudflare.envelope import Answer
from simulator.cloudflare.service import Call, Service, invalid, member
from simulator.messages import JSON
from simulator.stamps import stamp

_SWITCHES = ("enabled", "url_browser_isolation_enabled", "non_identity_enabled")


def get_configuration(service: Service, _: Call, __: "re.Match[str]") -> Answer:
    """What was ever set; a block that was not is absent, which means off."""
    return _answer(service)


def patch_configuration(service: Service, call: Call, _: "re.Match[str]") -> Answer:
    """Merged deeply. A block once set cannot be unset: null changes nothing (observed)."""
    merged = _merged(service.state.settings.value, member(call.object(), "settings"))
    _check(merged)
    service.state.set_settings(merged, call.now)
    return _answer(service)


def put_configuration(service: Service, call: Call, _: "re.Match[str]") -> Answer:
    """Replaces everything: what is left out is gone."""
    service.violate("PUT gateway/configuration: it replaces what others have set")
    settings = _merged({}, member(call.object(), "settings"))
    _check(settings)
    service.state.set_settings(settings, call.now)
    return _answer(service)


def enabled(settings: dict[str, JSON], block: str) -> bool:
    """Whether a block is on."""
    value = settings.get(block)
    return isinstance(value, dict) and value.get("enabled") is True


def _check(settings: dict[str, JSON]) -> None:
    """Raises Refused where a block is none, or what it switches is not switched on or off."""
    for name, block in settings.items():
        if not isinstance(block, dict) or not all(isinstance(block[each], bool) for each in _SWITCHES if each in block):
            raise invalid(f"{name} is not a block of settings")
        if name == "certificate" and not isinstance(block.get("id"), str):
            raise invalid("certificate needs an id")


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
