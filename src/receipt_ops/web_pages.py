"""The refusal of web pages that a proxy or a wrong endpoint answers in place of AWS."""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError


class WebPageError(BotoCoreError):
    """A successful answer is HTML, so it does not come from AWS."""

    fmt = (
        "the answer to {operation} is a web page: check AWS_ENDPOINT_URL, and the proxy in front "
        "of it"
    )


def refuse_web_pages(client: Any) -> Any:
    """Make a client raise WebPageError for a successful answer that is HTML, and return it.

    botocore reads such an answer as one without content, and a KeyError follows somewhere. Objects
    of S3 may be HTML, so the content of a streamed answer is not checked.
    """
    client.meta.events.register("before-parse", _check)
    return client


def _check(operation_model: Any, response_dict: Mapping[str, Any], **_: Any) -> None:
    if operation_model.has_streaming_output or response_dict["status_code"] >= 400:
        return
    headers = {name.lower(): value for name, value in response_dict["headers"].items()}
    if str(headers.get("content-type", "")).lower().startswith("text/html"):
        raise WebPageError(operation=operation_model.name)
