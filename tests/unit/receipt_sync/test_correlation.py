"""Which log lines name messages and receipts."""

from receipt_sync.correlation import log_ids, receipt_names
from receipt_sync.keys import EntityKey
from tests.support.fakes.telemetry import RecordingTelemetry


def test_a_receipt_is_named_once_as_the_ids_of_its_records_begin() -> None:
    line = EntityKey("img", 3, 7)
    keys = [line, EntityKey("img", 3, 7, 2), EntityKey("img", 3), EntityKey("other", 12)]
    assert receipt_names(keys) == ["IMAGE#img#RECEIPT#00003", "IMAGE#other#RECEIPT#00012"]
    assert line.chroma_id.startswith(receipt_names([line])[0])


def test_every_id_is_named_however_many_there_are() -> None:
    telemetry = RecordingTelemetry()
    ids = [str(number) for number in range(450)]
    log_ids(telemetry, "messages handled", done=ids, returned=["x"])
    assert [name for name, _ in telemetry.events] == ["messages handled"] * 3
    assert [len(logged["done"]) for _, logged in telemetry.events] == [200, 200, 50]
    assert [i for _, logged in telemetry.events for i in logged["done"]] == ids
    assert [logged.get("returned") for _, logged in telemetry.events] == [["x"], None, None]


def test_nothing_is_told_of_nothing() -> None:
    telemetry = RecordingTelemetry()
    log_ids(telemetry, "messages queued", queued=[])
    assert telemetry.events == []
