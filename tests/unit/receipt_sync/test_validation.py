"""Sentences for content that breaks a model: place and rule, and never the content (I8)."""

import pytest
from pydantic import BaseModel, Field, ValidationError, model_validator

from receipt_sync.validation import describe, faults_of


class Model(BaseModel):
    number: int = Field(ge=0)
    text: str = ""

    @model_validator(mode="after")
    def _is_short(self) -> "Model":
        if len(self.text) > 3:
            raise ValueError("the text is too long")
        return self


def error_of(**content: object) -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        Model.model_validate(content)
    return caught.value


def test_a_fault_has_its_place_and_its_rule_without_the_value() -> None:
    sentence = describe(error_of(number="secret", text=1))
    assert sentence.startswith("number: Input should be a valid integer")
    assert "; text: Input should be a valid string" in sentence
    assert "secret" not in sentence


def test_further_faults_are_counted() -> None:
    assert describe(error_of(number="x", text=1), 1).endswith("; and 1 more")


def test_a_fault_of_the_whole_has_no_place_and_no_words_of_pydantic() -> None:
    error = error_of(number=1, text="a long text")
    assert describe(error) == "the text is too long"
    assert describe(error, whole="message") == "message: the text is too long"


def test_a_missing_value_is_known_by_its_type() -> None:
    assert [fault.type for fault in faults_of(error_of())] == ["missing"]


def test_the_caller_names_the_parts_of_a_place() -> None:
    assert describe(error_of(number=-1), part=lambda _: "(a field)").startswith("(a field): ")
