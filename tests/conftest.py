"""Fixtures of all tests."""

import pytest
from processes import nothing_left


@pytest.fixture(scope="module")
def shared_engine():
    """The engine behind ``run``, closed afterwards."""
    from strads import default_engine  # settings alone need not wait for it

    default_engine().close()  # other tests may have left theirs
    with nothing_left():
        yield
        default_engine().close()
