"""Message contracts of the compaction queue: change, change batch and embedding delta.

Producer and consumer use the same models. The producer cannot build a message that breaks them, and
the consumer refuses one. The consumer validates a batch item by item, so that one invalid item does
not affect the others (I7).
"""

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from itertools import pairwise
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NamedTuple, Self, TypeGuard

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    create_model,
    model_validator,
)
from pydantic_core import from_json

from receipt_sync.errors import MalformedKeyError, PoisonMessageError
from receipt_sync.keys import Collection, EntityKey, EntityType, parse_key
from receipt_sync.validation import describe

CHANGE: Final = "dynamodb_stream"
CHANGE_BATCH: Final = "dynamodb_stream_batch"
DELTA: Final = "embedding_delta"
SCHEMA: Final = 1
MODEL_CHARACTERS: Final = 256

_ULID: Final = re.compile("[0-7][0-9A-HJKMNP-TV-Z]{25}")
ULID = Annotated[str, StringConstraints(pattern=f"^{_ULID.pattern}$")]
Number = Annotated[int, Field(strict=True, ge=0, lt=10**18)]


class _Contract(BaseModel):
    model_config = ConfigDict(frozen=True, populate_by_name=True)


_LEVELS: Final = EntityKey._fields[2:]
"""The ids that not every entity has. Each of them needs the one before."""
_IDS: Final = attrgetter(*EntityKey._fields)


class _OfReceipt(_Contract):
    entity_type: EntityType
    image_id: Annotated[str, StringConstraints(pattern=r"^[^#]+$")]
    receipt_id: Number


if TYPE_CHECKING:

    class _WithIds(_OfReceipt):
        """The ids of _LEVELS as fields."""

else:
    _WithIds = create_model(
        "_WithIds", __base__=_OfReceipt, **dict.fromkeys(_LEVELS, (Number | None, None))
    )


class EntityData(_WithIds):
    """Identifies the entity that changed. The field names of the ids are those of EntityKey."""

    @classmethod
    def of(cls, key: EntityKey) -> Self:
        """Return the entity data of a key."""
        return cls(entity_type=key.entity_type, **key._asdict())

    @cached_property
    def key(self) -> EntityKey:
        """Return the key of the entity."""
        return EntityKey._make(_IDS(self))

    @model_validator(mode="after")
    def _ids_fit_the_type(self) -> Self:
        key = EntityKey._make(_IDS(self))
        if None in key:
            _check_levels(key)
        if key.entity_type is not self.entity_type:
            raise ValueError(f"the ids belong to a {key.entity_type}")
        self.__dict__["key"] = key  # where cached_property keeps it; its lock takes longer
        return self


def _check_levels(key: EntityKey) -> None:
    for before, name in pairwise(_LEVELS):
        if getattr(key, name) is not None and getattr(key, before) is None:
            raise ValueError(f"a {name} needs a {before}")


class Change(_Contract):
    """One entity that changed.

    `changes` maps each field to {old, new}. The values are for people. `timestamp` is the
    ApproximateCreationDateTime of the stream record. Freshness is measured from it.
    """

    source: Literal["dynamodb_stream"] = CHANGE
    schema_version: Literal[1] = Field(default=SCHEMA, alias="schema")
    entity_type: EntityType
    entity_data: EntityData
    changes: dict[str, dict[str, Any]]
    event_name: Literal["INSERT", "MODIFY", "REMOVE"]
    timestamp: AwareDatetime
    stream_record_id: str
    sequence_number: str
    aws_region: str

    @model_validator(mode="after")
    def _one_entity_type(self) -> Self:
        if self.entity_type is not self.entity_data.entity_type:
            raise ValueError("entity_type and entity_data.entity_type differ")
        self.__dict__["key"] = self.entity_data.key  # as EntityData keeps it
        return self

    @cached_property
    def key(self) -> EntityKey:
        """Return the key of the entity that changed."""
        return self.entity_data.key


class Delta(_Contract):
    """Vectors in the bucket that wait to be applied to one collection."""

    source: Literal["embedding_delta"] = DELTA
    schema_version: Literal[1] = Field(default=SCHEMA, alias="schema")
    collection: Collection
    delta_id: ULID
    delta_key: str
    vector_count: PositiveInt
    model: Annotated[str, StringConstraints(min_length=1, max_length=MODEL_CHARACTERS)] | None = (
        None
    )
    """The name and version of the embedding model. The compactor reads it, and does not use it."""

    @classmethod
    def of(
        cls, collection: Collection, delta_id: str, vector_count: int, model: str | None = None
    ) -> Self:
        """Return the message of a delta. Its object key follows from its collection and id."""
        return cls(
            collection=collection,
            delta_id=delta_id,
            delta_key=delta_key(collection, delta_id),
            vector_count=vector_count,
            model=model,
        )

    @model_validator(mode="after")
    def _key_is_where_deltas_are(self) -> Self:
        expected = delta_key(self.collection, self.delta_id)
        if self.delta_key != expected:
            raise ValueError(f"delta_key must be {expected}")
        return self


class Poison(NamedTuple):
    """A message, or an item of a batch message, that can never be applied."""

    body: str
    reason: str


class ReadMessage(NamedTuple):
    """The valid content of one queue message, and the parts of it that break the contract."""

    changes: tuple[Change, ...] = ()
    delta: Delta | None = None
    poison: tuple[Poison, ...] = ()


def is_ulid(value: object) -> TypeGuard[str]:
    """Return whether a value is a ULID as a delta message names it."""
    return isinstance(value, str) and _ULID.fullmatch(value) is not None


def delta_key(collection: Collection, delta_id: str) -> str:
    """Return the key of a delta's object in the bucket."""
    return f"deltas/{collection}/{delta_id}.npz"


def to_body(message: Change | Delta) -> str:
    """Return the JSON body of one message."""
    return message.model_dump_json(by_alias=True, exclude_none=True)


def batch_body(bodies: Iterable[str]) -> str:
    """Return the JSON body of a batch message that holds the given change bodies."""
    items = list(bodies)
    return (
        f'{{"source":"{CHANGE_BATCH}","schema":{SCHEMA},"batch_size":{len(items)},'
        f'"items":[{",".join(items)}]}}'
    )


def read_message(body: str) -> ReadMessage:
    """Return the content of a message of the compaction queue.

    Raises PoisonMessageError if no part of the message is valid.
    """
    content = _json_object(body)
    source = content.get("source")
    if source == CHANGE_BATCH:
        return _read_batch(content)
    if source == CHANGE:
        return ReadMessage(changes=(_validated(_CHANGE, content),))
    if source == DELTA:
        return ReadMessage(delta=_validated(_DELTA, content))
    raise PoisonMessageError(
        f"source {_shown(source)} is none of {CHANGE}, {CHANGE_BATCH}, {DELTA}: "
        "send one of these, or move the message to the queue that it belongs to"
    )


def check_key(key: EntityKey) -> EntityKey:
    """Return the key if the table can hold it. Raises PoisonMessageError otherwise."""
    try:
        if parse_key(key.pk, key.sk) == key:
            return key
    except MalformedKeyError as error:
        raise PoisonMessageError(str(error)) from error
    raise PoisonMessageError(f"no table key belongs to {key}")


_CHANGE: Final = TypeAdapter(Change)
_DELTA: Final = TypeAdapter(Delta)
_SURELY_SHORT: Final = 1_024
"""Characters of an image id that fit into a partition key."""
_WORD: Final = re.compile("[A-Za-z0-9_.:-]{1,64}")
_PLACES: Final = frozenset(
    field.alias or name
    for model in (Change, Delta, EntityData)
    for name, field in model.model_fields.items()
)
"""Field names that a reason may quote. Other names come from the message and may be receipt
text.
"""


def _json_object(body: str) -> dict[str, Any]:
    try:
        content = from_json(body)
    except ValueError as error:
        raise PoisonMessageError("the body is not JSON: send a JSON object") from error
    if not isinstance(content, dict):
        raise PoisonMessageError("the body is JSON, but no object: send a JSON object")
    return content


def _read_batch(content: Mapping[str, Any]) -> ReadMessage:
    items = content.get("items")
    if content.get("schema") != SCHEMA or not isinstance(items, list):
        raise PoisonMessageError(f"a {CHANGE_BATCH} has schema {SCHEMA} and a list of items")
    if content.get("batch_size") != len(items):
        raise PoisonMessageError(
            f"batch_size says {_shown(content.get('batch_size'))}, but there are {len(items)} items"
        )
    changes: list[Change] = []
    poison: list[Poison] = []
    for item in items:
        try:
            changes.append(_validated(_CHANGE, item))
        except PoisonMessageError as error:
            poison.append(Poison(_dumped(item), str(error)))
    return ReadMessage(changes=tuple(changes), poison=tuple(poison))


def _validated(adapter: TypeAdapter[Any], content: Any) -> Any:
    try:
        message = adapter.validate_python(content)
    except ValidationError as error:
        # The cause quotes the refused values.
        raise PoisonMessageError(describe(error, part=_place, whole="message")) from None
    if isinstance(message, Change) and not _is_surely_storable(message.key):
        check_key(message.key)
    return message


def _is_surely_storable(key: EntityKey) -> bool:
    """Return whether the table can hold a validated key without a further check.

    The models have checked everything but the length and the encoding of its image id.
    """
    return len(key.image_id) <= _SURELY_SHORT and key.image_id.isascii()


def _place(part: int | str) -> str:
    return str(part) if isinstance(part, int) or part in _PLACES else "(a field)"


def _dumped(item: Any) -> str:
    return TypeAdapter(Any).dump_json(item).decode()


def _shown(value: Any) -> str:
    """Return a discriminator or a count as text. Of any other value, return only the type (I8)."""
    if isinstance(value, str) and _WORD.fullmatch(value):
        return repr(value)
    return repr(value) if isinstance(value, int | None) else f"(a {type(value).__name__})"
