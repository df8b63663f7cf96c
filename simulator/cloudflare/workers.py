"""Workers, as far as somebody looks at, completes or removes one that is deployed.

Documented: https://developers.cloudflare.com/api/resources/workers/subresources/scripts/. Observed: an unknown Worker is 404 with
code 10007. Inferred: that an empty secret is taken; `wrangler secret put` with nothing on its input reports success.
"""

import re

from simulator.cloudflare.deployed import Deployment, Worker
from simulator.cloudflare.envelope import Answer, Refused
from simulator.cloudflare.service import Call, Service, invalid, text
from simulator.messages import JSON
from simulator.stamps import stamp

COMPATIBILITY_DATE = "2026-11-01"
_SECRET_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def list_scripts(service: Service, _: Call, __: "re.Match[str]") -> Answer:
    """All of them."""
    return Answer([_script(each) for each in service.state.workers.values()])


def get_schedules(service: Service, _: Call, match: "re.Match[str]") -> Answer:
    """The cron triggers."""
    worker = _found(service, match)
    dates: dict[str, JSON] = {"created_on": stamp(worker.created), "modified_on": stamp(worker.modified)}
    return Answer({"schedules": [{"cron": cron, **dates} for cron in worker.crons]})


def get_settings(service: Service, _: Call, match: "re.Match[str]") -> Answer:
    """The bindings: variables with their values, secrets by name."""
    worker = _found(service, match)
    bindings: list[JSON] = [{"name": name, "type": "plain_text", "text": value} for name, value in worker.variables.items()]
    return Answer(
        {
            "bindings": [*bindings, *_secrets(worker)],
            "compatibility_date": COMPATIBILITY_DATE,
            "compatibility_flags": ["python_workers"],
            "logpush": False,
            "placement": {},
            "tags": [],
            "tail_consumers": None,
            "usage_model": "standard",
        }
    )


def list_secrets(service: Service, _: Call, match: "re.Match[str]") -> Answer:
    """Names, no values."""
    return Answer(_secrets(_found(service, match)))


def put_secret(service: Service, call: Call, match: "re.Match[str]") -> Answer:
    """Add one or replace it, which deploys a new version."""
    worker, body = _found(service, match), call.object()
    name, value = text(body, "name"), text(body, "text", "")
    if body.get("type") != "secret_text" or not _SECRET_NAME.fullmatch(name):
        raise invalid("a secret needs a name and the type secret_text")
    if not value:
        service.violate(f"the secret {name} is put empty")
    worker.secrets[name] = value
    deploy(service, worker, "secret", call.now)
    return Answer({"name": name, "type": "secret_text"})


def delete_script(service: Service, _: Call, match: "re.Match[str]") -> Answer:
    """The Worker with its triggers, secrets and deployments."""
    del service.state.workers[_found(service, match).name]
    return Answer(None)


def list_deployments(service: Service, _: Call, match: "re.Match[str]") -> Answer:
    """The latest first."""
    return Answer({"deployments": [_deployment(each) for each in reversed(_found(service, match).deployments)]})


def deploy(service: Service, worker: Worker, message: str, now: float) -> None:
    """A new version for everybody."""
    worker.modified = now
    worker.deployments.append(Deployment(service.new_id(), service.new_id(), now, message))


def _found(service: Service, match: "re.Match[str]") -> Worker:
    worker = service.state.workers.get(match["script"])
    if not worker:
        raise Refused(404, 10007, "This Worker does not exist on your account.")
    return worker


def _script(worker: Worker) -> JSON:
    return {
        "id": worker.name,
        "created_on": stamp(worker.created),
        "modified_on": stamp(worker.modified),
        "compatibility_date": COMPATIBILITY_DATE,
        "compatibility_flags": ["python_workers"],
        "handlers": ["scheduled"],
        "has_assets": False,
        "has_modules": True,
        "last_deployed_from": "wrangler",
        "logpush": False,
        "usage_model": "standard",
    }


def _secrets(worker: Worker) -> list[JSON]:
    return [{"name": name, "type": "secret_text"} for name in worker.secrets]


def _deployment(deployment: Deployment) -> JSON:
    return {
        "id": deployment.id,
        "source": "wrangler",
        "strategy": "percentage",
        "author_email": "admin@contoso.com",
        "created_on": stamp(deployment.created),
        "annotations": {"workers/triggered_by": deployment.message},
        "versions": [{"version_id": deployment.version_id, "percentage": 100}],
    }
