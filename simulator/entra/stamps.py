"""Times as Microsoft Graph writes and reads them."""

from simulator.stamps import parse_stamp, stamp

__all__ = ["NEVER", "parse_stamp", "stamp"]

NEVER = "0001-01-01T00:00:00Z"
