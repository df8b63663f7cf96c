"""Whether one JSON has the shape of another."""

from simulator.messages import JSON


def shape(value: JSON) -> JSON:
    """Names and JSON types; null is of every type, a list has the shape of its first entry."""
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items() if each is not None}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def assert_has(actual: JSON, documented: JSON) -> None:
    """Everything documented is there, alike; more may be."""
    if isinstance(documented, dict):
        assert isinstance(actual, dict)
        for name, each in documented.items():
            assert_has(actual[name], each)
    elif isinstance(documented, list) and documented:
        assert isinstance(actual, list)
        assert_has(actual[0], documented[0])
    else:
        assert actual == documented
