"""The programs of examples/ against both functions on the local AWS."""

import sys
from pathlib import Path
from uuid import uuid4

import pytest

from local.stack import Stack
from local.state import PROJECT
from tests.functional.examples.running import Examples, put_receipt


@pytest.fixture
def examples(deployed: Stack) -> Examples:
    return Examples(sys.executable, PROJECT, deployed)


def test_the_service_finds_what_both_pipelines_sent(examples: Examples, tmp_path: Path) -> None:
    images = {
        f"first-{uuid4()}": "FLAT WHITE 4.50",
        f"second-{uuid4()}": "ESPRESSO DOPPIO 3.20",
    }
    ids = [put_receipt(examples.stack, image, line) for image, line in images.items()]
    first, second = images
    assert f"{first}: 4 vectors sent" in examples.run("embedding_pipeline", first)
    sent = examples.run("embedding_pipeline_plain", second)
    assert f"{second}: 1 vectors of receipt_lines sent" in sent
    assert f"{second}: 3 vectors of receipt_words sent" in sent
    with examples.service(tmp_path) as service:
        for chroma_id, line in zip(ids, images.values(), strict=True):
            match = service.found(line, chroma_id)
            assert match["text"] == match["metadata"]["text"] == line
            assert match["metadata"]["merchant_name"] == "Cafe Luna"
            assert match["distance"] < 1e-5
        where = {"image_id": second}
        status, content = service.post("/search", {"text": "FLAT WHITE", "where": where})
        assert (status, [match["id"] for match in content["matches"]]) == (200, [ids[1]])
        status, content = service.get("/health")
        assert status == 200
        assert content["version"] > 0
        assert content["last_error"] is None
    assert list(tmp_path.rglob("chroma.sqlite3")), "the copies are kept for the next start"


def test_the_service_refuses_what_is_no_search(examples: Examples, tmp_path: Path) -> None:
    with examples.service(tmp_path) as service:
        assert service.get("/")[0] == 404
        assert service.post("/", {"text": "a"})[0] == 404
        assert service.post("/search", {"text": 1})[0] == 400
        assert service.post("/search", {"text": "a", "limit": 0})[0] == 400
