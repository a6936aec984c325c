"""Which log lines name messages and receipts."""

from receipt_sync.correlation import receipt_names, tell
from receipt_sync.keys import EntityKey
from tests.support.fakes.telemetry import RecordingTelemetry


def test_a_receipt_is_named_once_as_the_ids_of_its_records_begin():
    line = EntityKey("img", 3, 7)
    keys = [line, EntityKey("img", 3, 7, 2), EntityKey("img", 3), EntityKey("other", 12)]
    assert receipt_names(keys) == ["IMAGE#img#RECEIPT#00003", "IMAGE#other#RECEIPT#00012"]
    assert line.chroma_id.startswith(receipt_names([line])[0])


def test_every_id_is_named_however_many_there_are():
    telemetry = RecordingTelemetry()
    ids = [str(number) for number in range(450)]
    tell(telemetry, "messages handled", done=ids, returned=["x"])
    assert [name for name, _ in telemetry.events] == ["messages handled"] * 3
    assert [len(told["done"]) for _, told in telemetry.events] == [200, 200, 50]
    assert [i for _, told in telemetry.events for i in told["done"]] == ids
    assert [told.get("returned") for _, told in telemetry.events] == [["x"], None, None]


def test_nothing_is_told_of_nothing():
    telemetry = RecordingTelemetry()
    tell(telemetry, "messages queued", queued=[])
    assert telemetry.events == []
