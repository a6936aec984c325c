"""The scenarios. Each prepares a system, and then acts once while an answer is lost."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Final
from unittest.mock import patch

import boto3

import compactor.batch.sqs_queue
import receipt_index.snapshot.copies.working_copy
from compactor.wiring import _CLIENT
from receipt_index.snapshot.reading.reader import SnapshotReader
from receipt_sync.errors import SyncError
from receipt_sync.keys import Collection
from tests.functional.chroma_server import ChromaServer
from tests.reliability.lost_answers import content
from tests.reliability.lost_answers.calls import Call
from tests.reliability.lost_answers.system import Done, Frozen, System

POISON: Final = "no JSON"


class Scenario(ABC):
    """`name` names the actor and its action."""

    name: str
    reads = False
    """Whether the answers of reads are lost, and not the answers of writes."""
    compacts_afterwards = False
    """Whether readers see the effect of the act only after a compaction."""

    def __init__(self) -> None:
        self._frozen: Frozen | None = None

    def around(self) -> AbstractContextManager[object]:
        """Return a context for the whole scenario."""
        return nullcontext()

    def variables(self) -> Mapping[str, str]:
        """Return further variables of the functions."""
        return {}

    def tries(self, call: Call) -> bool:
        """Return whether the answer of this call is lost in this scenario."""
        return call.is_write != self.reads

    @abstractmethod
    def prepare(self, system: System) -> None:
        """Bring a system to the point before the act, undisturbed."""

    def start(self, system: System) -> None:
        """Copy the prepared state into this system. The preparation runs only once."""
        if self._frozen is None:
            self.prepare(system)
            self._frozen = system.frozen()
        else:
            system.thaw(self._frozen)

    @abstractmethod
    def act(self, system: System) -> Done:
        """Do the disturbed action."""

    def again(self, system: System) -> Done:
        """Repeat the returned work without a loss."""
        return self.act(system)

    @contextmanager
    def readers(self, system: System) -> Iterator[dict[Collection, SnapshotReader]]:
        """Open the readers that are compared with the table."""
        with ExitStack() as stack:
            opened = {c: stack.enter_context(system.reader(c)) for c in Collection}
            for reader in opened.values():
                reader.refresh()
            yield opened


class FirstVersion(Scenario):
    """The compactor publishes the first version: blocks, and the first manifest."""

    name = "compactor, first version"

    def prepare(self, system: System) -> None:
        load(system)
        poison(system)

    def act(self, system: System) -> Done:
        return system.compact()


class NextVersion(FirstVersion):
    """It publishes a pack, and parks poison."""

    name = "compactor, next version"

    def prepare(self, system: System) -> None:
        load(system)
        system.compact()
        edit(system, "edit 2")
        remove(system)
        poison(system)


class NewBase(FirstVersion):
    """It publishes a new base, and deletes the objects of the one before."""

    name = "compactor, new base"

    def around(self) -> AbstractContextManager[object]:
        return patch.object(receipt_index.snapshot.copies.working_copy, "MAX_PACKS", 1)

    def prepare(self, system: System) -> None:
        load(system)
        system.compact()
        edit(system, "edit 2")
        system.compact()
        edit(system, "edit 3")


class Drain(FirstVersion):
    """The compactor drains the queue by itself, and deletes the handled messages."""

    name = "compactor, drain"

    def around(self) -> AbstractContextManager[object]:
        return patch.object(compactor.batch.sqs_queue, "_WAIT_SECONDS", 0)

    def tries(self, call: Call) -> bool:
        return call.is_write and call.about == "compaction queue"

    def prepare(self, system: System) -> None:
        load(system)

    def act(self, system: System) -> Done:
        return system.drain()


class StreamProcessing(Scenario):
    """The stream processor sends changes, and parks a malformed record."""

    name = "stream processor"
    compacts_afterwards = True

    def prepare(self, system: System) -> None:
        load(system)
        system.compact()
        edit(system, "edit 2", stream=False)
        remove(system, stream=False)
        system.note_malformed()

    def act(self, system: System) -> Done:
        return system.stream()


class Server(FirstVersion):
    """The compactor claims a collection of a Chroma server, and swaps its version."""

    name = "compactor, Chroma server"

    def __init__(self, server: ChromaServer) -> None:
        super().__init__()
        self._server, self._databases = server, 0

    def variables(self) -> Mapping[str, str]:
        self._databases += 1
        database = f"lost{self._databases}"
        self._server.create_database(database)
        return {**self._server.environment, "CHROMA_DATABASE": database}

    def start(self, system: System) -> None:
        """Prepare this system itself, because the server's collections cannot be copied."""
        self.prepare(system)

    def prepare(self, system: System) -> None:
        load(system)
        system.compact()
        edit(system, "edit 2")
        poison(system)

    @contextmanager
    def readers(self, system: System) -> Iterator[dict[Collection, SnapshotReader]]:
        from receipt_ops.connection import Connection, Names
        from receipt_ops.readers import snapshot_readers

        names, clients = system.stack.names, system.clients
        places = Names(names.table, system.stack.queues.compaction.url, names.bucket)
        connection = Connection(places, clients.dynamodb, clients.s3, clients.sqs)
        with snapshot_readers(connection, list(Collection)) as opened:
            for reader in opened.values():
                reader.refresh()
            yield opened  # type: ignore[misc]


class ColdReading(Scenario):
    """Readers with empty folders open a version of blocks and a pack."""

    name = "reader, cold start"
    reads = True

    def __init__(self) -> None:
        super().__init__()
        self._readers: dict[Collection, SnapshotReader] = {}
        self._served: dict[Collection, dict[str, str | None]] = {}

    def prepare(self, system: System) -> None:
        load(system)
        system.compact()
        edit(system, "edit 2")
        system.compact()

    def start(self, system: System) -> None:
        super().start(system)
        s3 = boto3.client("s3", config=_CLIENT)
        self._readers = {collection: system.reader(collection, s3) for collection in Collection}
        self._served = {collection: {} for collection in Collection}

    def act(self, system: System) -> Done:
        """Refresh both readers. After a failed refresh, a reader must serve the same records."""
        done = Done()
        for collection, reader in self._readers.items():
            try:
                with system.watch():
                    reader.refresh()
            except Exception as error:  # noqa: BLE001 the caller of a refresh gets it
                done.returned.append(type(error).__name__)
                if documents(reader) != self._served[collection]:
                    done.error = f"{collection} serves something else after a failed refresh"
        return done

    @contextmanager
    def readers(self, system: System) -> Iterator[dict[Collection, SnapshotReader]]:
        try:
            yield self._readers
        finally:
            for reader in self._readers.values():
                reader.close()


class Reading(ColdReading):
    """Readers that serve a version follow the next one."""

    name = "reader, refresh"

    def prepare(self, system: System) -> None:
        load(system)
        system.compact()

    def start(self, system: System) -> None:
        super().start(system)
        for collection, reader in self._readers.items():
            reader.refresh()
            self._served[collection] = documents(reader)
        edit(system, "edit 2")
        remove(system)
        system.compact()


def load(system: System) -> None:
    """Write a receipt, send its vectors, and its changes."""
    system.put(content.merchant("Café"), "INSERT")
    for key in content.entities():
        system.put(content.item(key, f"text of {key.chroma_id}"), "INSERT")
    for collection in Collection:
        texts = {
            key.chroma_id: f"text of {key.chroma_id}"
            for key in content.entities()
            if key.collection is collection
        }
        system.embed(collection, texts)
    system.stream()


def edit(system: System, text: str, *, stream: bool = True) -> None:
    """Change the merchant, the first line and the first word, and embed the new texts."""
    system.put(content.merchant(f"merchant of {text}"))
    for collection in Collection:
        key = next(key for key in content.entities() if key.collection is collection)
        system.put(content.item(key, f"{text} of {key.chroma_id}"))
        system.embed(collection, {key.chroma_id: f"{text} of {key.chroma_id}"})
    if stream:
        system.stream()


def remove(system: System, *, stream: bool = True) -> None:
    """Delete the last line and the last word."""
    for collection in Collection:
        system.delete([key for key in content.entities() if key.collection is collection][-1])
    if stream:
        system.stream()


def poison(system: System) -> None:
    """Send a malformed message."""
    system.send(POISON)
    system.poison.add(POISON)


def documents(reader: SnapshotReader) -> dict[str, str | None]:
    """Return the documents that a reader serves, by id. Without a version there are none."""
    try:
        ids = list(reader.ids())
    except SyncError:
        return {}
    return {chroma_id: record.document for chroma_id, record in reader.get(ids).items()}
