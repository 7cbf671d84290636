"""The engine on which runs fail."""

from collections.abc import Iterator

import pytest
from processes import nothing_left

from strads import Engine


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with nothing_left(), Engine(3) as made:
        yield made
