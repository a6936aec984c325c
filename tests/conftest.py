"""What all tests share: none of them can reach the real AWS, whatever the caller's shell holds."""

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

# A slow machine is no bug of ours: what takes long is a benchmark's business.
hypothesis.settings.register_profile("project", deadline=None)
hypothesis.settings.load_profile("project")

_TESTS = Path(__file__).parent
_SHARE_A_SYSTEM = ("functional", "infra", "e2e")

_NOBODY = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that share what a module started stay in one process, in their order."""
    for item in items:
        room, *_, module = item.path.relative_to(_TESTS).parts
        if room in _SHARE_A_SYSTEM:
            item.add_marker(pytest.mark.xdist_group(f"{room}/{module}"))


@pytest.fixture(scope="session", autouse=True)
def no_real_aws() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in _NOBODY.items():
            patch.setenv(name, value)
        yield
