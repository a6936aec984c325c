"""Checks whether an endpoint answers, and whether it is a MiniStack."""

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

from local.ministack.server import EDITION


def is_ministack(endpoint: str) -> bool:
    """Return whether a MiniStack answers at the endpoint. LocalStack does not have this path."""
    answer = _get_json(endpoint, "/_ministack/health")
    return answer is not None and "services" in answer


def is_corrected(endpoint: str) -> bool:
    """Return whether the endpoint is a MiniStack that local/ministack/server.py runs."""
    answer = _get_json(endpoint, "/_ministack/health")
    return answer is not None and answer.get("edition") == EDITION


def answers(endpoint: str) -> bool:
    """Return whether the endpoint answers HTTP requests."""
    return _get(endpoint, "/") is not None


def _get_json(endpoint: str, path: str) -> dict[str, Any] | None:
    response = _get(endpoint, path)
    if response is None or response[0] != 200:
        return None
    try:
        content = json.loads(response[1])
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _get(endpoint: str, path: str, seconds: float = 3.0) -> tuple[int, bytes] | None:
    """Return the status and the body, or None if the endpoint does not answer.

    It does not use urllib, which would go through a proxy.
    """
    parts = urlsplit(endpoint)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=seconds)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
