"""What the Worker's messages say of the next minute and of wrangler.toml, as it is true where the commands run."""

import re

_TRIES = re.compile(r"the next minutes? (?:tries|try) again")
_EVERY = re.compile(r"(if this repeats) every minute")
_NEXT = re.compile(r"the next minute(s?)\b")


def for_once(message: str) -> str:
    """For a command that looks once: whoever runs it tries again."""
    return _EVERY.sub(r"\1", _TRIES.sub("try again in a minute", message))


def for_runs(message: str) -> str:
    """For runs that come at other times than once a minute."""
    return _EVERY.sub(r"\1", _NEXT.sub(r"the next run\1", message))


def for_minutes(message: str) -> str:
    """For runs that come as the Worker's do."""
    return message
