"""Messages arrive complete, with all their descriptors, or not at all."""

import contextlib
import os
import resource
import socket
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strads.engine.processes.messages import receive, send

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=10,
)


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


@given(messages=st.lists(values, max_size=5))
def test_messages_arrive_in_order(messages):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for message in messages:
            send(ours, message)
        assert [receive(theirs) for _ in messages] == [(message, []) for message in messages]


def test_a_message_larger_than_any_socket_buffer(pair):
    ours, theirs = pair
    array = np.random.default_rng(0).random(1 << 20)
    sender = threading.Thread(target=send, args=(ours, {"array": array}, [0]))
    sender.start()
    message, descriptors = receive(theirs)
    sender.join()
    np.testing.assert_array_equal(message["array"], array)
    os.close(*descriptors)


@pytest.mark.parametrize("count", [1, 200, 201, 450])
def test_descriptors_arrive_in_order(pair, count):
    ours, theirs = pair
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.ExitStack() as stack:
        if soft < 2 * count + 100:
            resource.setrlimit(resource.RLIMIT_NOFILE, (2 * count + 100, hard))
            stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        sent = [os.open("/", os.O_RDONLY) for _ in range(count - 1)]
        sent.insert(count // 2, os.open("/dev/null", os.O_RDONLY))
        stack.callback(lambda: [os.close(fd) for fd in sent])
        send(ours, "first", sent)
        send(ours, "second")
        message, got = receive(theirs)
        stack.callback(lambda: [os.close(fd) for fd in got])
        assert message == "first"
        assert not set(got) & set(sent)
        assert not any(os.get_inheritable(fd) for fd in got)
        assert [os.fstat(fd).st_ino for fd in got] == [os.fstat(fd).st_ino for fd in sent]
        assert receive(theirs) == ("second", [])


def test_a_sender_that_ends_is_noticed_wherever_it_was(pair):
    ours, theirs = pair
    send(ours, "something")
    whole = theirs.recv(1000)
    for cut in range(len(whole)):
        left, right = socket.socketpair()
        with right:
            with left:
                left.sendall(whole[:cut])
            with pytest.raises(EOFError):
                receive(right)


def test_a_sender_that_ends_before_its_descriptors(pair):
    ours, theirs = pair
    send(ours, "something", [0])
    head_and_body = theirs.recv(1000).removesuffix(b"F")
    left, right = socket.socketpair()
    with right:
        with left:
            left.sendall(head_and_body)
        with pytest.raises(EOFError):
            receive(right)


def test_too_many_open_files_is_an_error_and_leaks_nothing(pair):
    ours, theirs = pair
    send(ours, "something", [0] * 100)
    before = len(os.listdir("/dev/fd"))
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = {int(fd) for fd in os.listdir("/dev/fd")}
    last_allowed = [fd for fd in range(2000) if fd not in used][20]
    resource.setrlimit(resource.RLIMIT_NOFILE, (last_allowed, limits[1]))
    try:
        with pytest.raises(OSError, match="100 file descriptors.*ulimit"):
            receive(theirs)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert len(os.listdir("/dev/fd")) == before
