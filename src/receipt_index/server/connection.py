"""A connection to a Chroma server, or to Chroma Cloud.

It is built from the parts of chromadb.HttpClient and CloudClient. Those clients wait for an answer
without limit, and send three requests of their own before the first request of the caller.
"""

from typing import Any, Final

import httpx
from chromadb.api.fastapi import FastAPI
from chromadb.api.models.Collection import Collection as ChromaCollection
from chromadb.config import DEFAULT_DATABASE, DEFAULT_TENANT, Settings, System

from receipt_index.chroma import COLLECTION
from receipt_index.server.answers import refuse_unserved
from receipt_sync.keys import Collection
from receipt_sync.settings import ChromaSettings

CLOUD_HOST: Final = "api.trychroma.com"
_CONNECT_SECONDS: Final = 3.0
_TOKEN_PROVIDER: Final = "chromadb.auth.token_authn.TokenAuthClientProvider"  # noqa: S105


class ServerConnection:
    """A connection that opens collections.

    It sends nothing before the first collection is opened. Errors are those of Chroma and httpx.
    """

    def __init__(self, settings: ChromaSettings) -> None:
        self._tenant = settings.chroma_tenant or DEFAULT_TENANT
        self._database = settings.chroma_database or DEFAULT_DATABASE
        self._system = System(_client_settings(settings))
        self._api = self._system.instance(FastAPI)
        self._session = self._api._session
        self._session.timeout = httpx.Timeout(
            settings.chroma_timeout_seconds,
            connect=min(_CONNECT_SECONDS, settings.chroma_timeout_seconds),
        )
        self._session.event_hooks = {"response": [refuse_unserved]}
        self._system.start()

    def open(self, collection: Collection, *, create: bool) -> ChromaCollection:
        """Return the collection. With `create`, create it if it is missing.

        Without `create`, raises Chroma's NotFoundError if it is missing.
        """
        place = self._place(collection)
        if create:
            configuration = COLLECTION["configuration"]
            model = self._api.get_or_create_collection(configuration=configuration, **place)
        else:
            model = self._api.get_collection(**place)
        return ChromaCollection(client=self._api, model=model, embedding_function=None)

    def dimension(self, collection: Collection) -> int | None:
        """Return the dimension of the collection's vectors; None before the first vector.

        Raises Chroma's NotFoundError if the collection is missing.
        """
        dimension: int | None = self._api.get_collection(**self._place(collection)).dimension
        return dimension

    def close(self) -> None:
        """Close the sockets."""
        self._session.close()
        self._system.stop()

    def _place(self, collection: Collection) -> dict[str, Any]:
        return {"name": collection.value, "tenant": self._tenant, "database": self._database}


def _client_settings(settings: ChromaSettings) -> Settings:
    """Return the settings that HttpClient or CloudClient would use."""
    cloud = settings.chroma_target == "cloud"
    token = settings.chroma_api_key if cloud else settings.chroma_token
    made = Settings(
        chroma_api_impl="chromadb.api.fastapi.FastAPI",
        chroma_server_host=CLOUD_HOST if cloud else settings.chroma_host,
        chroma_server_http_port=443 if cloud else settings.chroma_port,
        chroma_server_ssl_enabled=cloud or settings.chroma_ssl,
        anonymized_telemetry=False,
    )
    if token is not None:
        made.chroma_client_auth_provider = _TOKEN_PROVIDER
        made.chroma_client_auth_credentials = token.get_secret_value()
        made.chroma_auth_token_transport_header = (
            "X-Chroma-Token" if cloud else settings.chroma_auth_header
        )
    return made
