"""`python -m simulator`: a tenant on a loopback port, until Ctrl-C."""

import argparse

import uvicorn

from simulator.asgi import create_app
from simulator.tenant import Tenant


def main() -> None:
    """Serve the tenant and tell how to sign in to it."""
    parser = argparse.ArgumentParser(prog="python -m simulator", description="A simulated Entra tenant on this machine.")
    parser.add_argument("--port", type=int, default=8400, help="loopback port (default: %(default)s)")
    parser.add_argument("--users", type=int, default=12, help="how many risky users (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="which made-up ids (default: %(default)s)")
    arguments = parser.parse_args()
    tenant = Tenant.contoso(arguments.users, arguments.seed)
    for name, value in tenant.worker_variables.items():
        print(f"{name}={value}")
    print(f"http://127.0.0.1:{arguments.port} answers for every host named in X-Forwarded-Host; its controls are under /_simulator/")
    # "critical": a connection that the tenant means to lose is an error to uvicorn
    uvicorn.run(create_app(tenant), host="127.0.0.1", port=arguments.port, log_level="critical")


if __name__ == "__main__":
    main()
