"""What fails after the manifest was swapped is told, and undoes nothing."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.unit.compactor.snapshot.setting import Setting


def test_objects_that_can_not_be_deleted_fail_no_publish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    setting = Setting(tmp_path)
    copy = setting.copy("one")
    copy.checkout()
    copy.publish(0)

    def delete(names: Iterable[str]) -> None:
        raise ConnectionError("no answer")

    monkeypatch.setattr(setting.store, "delete", delete)
    copy.checkout()
    published = copy.publish(None)
    assert (published.version, published.undeleted) == (2, "ConnectionError")
    copy.checkout()
    assert copy.version == 2
