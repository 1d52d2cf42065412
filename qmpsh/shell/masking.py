"""A request as it may be shown: without its secrets."""

from __future__ import annotations

from qmpsh.shell.execute import Request
from qmpsh.shell.secret_rules import mask_json
from qmpsh.wire.messages import command_object


def masked_request(request: Request) -> Request:
    """The request with `********` for each secret; itself where it holds none."""
    command = request.command
    message = command_object(command)
    masked = mask_json(message)
    if masked == message or not isinstance(masked, dict):
        return request
    extra = {name: masked[name] for name in command.extra or {}}
    arguments = masked.get("arguments")
    return request._replace(command=command._replace(arguments=arguments, extra=extra or None))
