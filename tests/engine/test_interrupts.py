"""Ctrl-C while the engine works: the first acts at once, later ones wait for the clean-up."""

from __future__ import annotations

import signal
import threading

import pytest

from strads.engine import interrupts


@pytest.fixture(autouse=True)
def the_handler_is_put_back():
    before = signal.getsignal(signal.SIGINT)
    yield
    assert signal.getsignal(signal.SIGINT) is before


def strike() -> None:
    signal.raise_signal(signal.SIGINT)


def test_a_section_that_holds_back_ends_before_the_interrupt() -> None:
    done = []
    with pytest.raises(KeyboardInterrupt):
        with interrupts.held():
            strike()
            done.append("all")
        done.append("nothing of this")
    assert done == ["all"]


def test_who_waits_may_ask_for_it() -> None:
    with pytest.raises(KeyboardInterrupt), interrupts.held():
        interrupts.check()
        strike()
        assert interrupts.pending()
        interrupts.check()
        raise AssertionError("the interrupt was lost")
    assert not interrupts.pending()


def test_sections_within_sections_end_together() -> None:
    reached = []
    with pytest.raises(KeyboardInterrupt), interrupts.held():
        with interrupts.held():
            strike()
        reached.append("the outer end")
    assert reached


def test_the_first_acts_at_once_and_the_second_waits() -> None:
    tidied = []
    with pytest.raises(KeyboardInterrupt), interrupts.watched():
        try:
            strike()
            raise AssertionError("the first did not act")
        finally:
            strike()  # a second Ctrl-C, during the clean-up after the first
            tidied.append("all")
            assert interrupts.pending()
    assert tidied
    assert not interrupts.pending()  # several interrupts that wait act once


def test_the_second_ends_a_wait_of_those_who_tidy_up() -> None:
    with pytest.raises(KeyboardInterrupt), interrupts.watched():
        try:
            strike()
        except KeyboardInterrupt:
            with interrupts.held():
                strike()
                interrupts.check()
            raise AssertionError("the second was lost") from None


def test_one_that_waits_is_not_lost_when_something_else_is_raised() -> None:
    with pytest.raises(KeyboardInterrupt) as caught, interrupts.watched(), interrupts.held():
        strike()
        raise ValueError("meanwhile")
    assert isinstance(caught.value.__context__, ValueError)


def test_one_that_a_callback_has_caught_does_not_silence_the_next() -> None:
    with pytest.raises(KeyboardInterrupt), interrupts.watched():
        try:
            strike()
        except KeyboardInterrupt:
            pass
        strike()
        interrupts.rearm()
        raise AssertionError("the next was lost")


def test_a_handler_that_was_left_behind_takes_itself_away() -> None:
    before = signal.getsignal(signal.SIGINT)

    def interrupted() -> None:
        interrupts.watched().__enter__()  # an interrupt has skipped its __exit__

    interrupted()
    assert signal.getsignal(signal.SIGINT) is not before
    with pytest.raises(KeyboardInterrupt):
        strike()
    assert signal.getsignal(signal.SIGINT) is before


def test_a_handler_of_a_callbacks_own_stays() -> None:
    before = signal.getsignal(signal.SIGINT)
    calls = []

    def own(*_: object) -> None:
        calls.append("own")

    try:
        with interrupts.watched():
            signal.signal(signal.SIGINT, own)
        assert signal.getsignal(signal.SIGINT) is own
        with interrupts.watched():
            strike()
            strike()
        assert calls == ["own", "own"]
    finally:
        signal.signal(signal.SIGINT, before)


def test_ignored_interrupts_stay_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts.watched(), interrupts.held():
            strike()
            interrupts.check()
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_are_left_alone() -> None:
    seen = []

    def work() -> None:
        with interrupts.watched(), interrupts.held():
            interrupts.check()
            interrupts.rearm()
            seen.append((signal.getsignal(signal.SIGINT), interrupts.pending()))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(signal.getsignal(signal.SIGINT), False)]


def test_a_patient_body_is_only_asked_to_end() -> None:
    reached = []
    with interrupts.patient() as body:
        assert not interrupts.asked()
        with interrupts.watched(), interrupts.held():
            strike()
            assert interrupts.asked() and not interrupts.pending()
        reached.append("the end")
    assert reached and body.asked and not interrupts.asked()
    with pytest.raises(KeyboardInterrupt):
        interrupts.act_now()


def test_the_second_ends_a_patient_body_at_once() -> None:
    with pytest.raises(KeyboardInterrupt), interrupts.patient():
        strike()
        with interrupts.watched():
            strike()
            raise AssertionError("the second did not act")
    with interrupts.patient() as next_one:
        assert not interrupts.asked()
    assert not next_one.asked


def test_the_outer_of_patient_bodies_decides() -> None:
    with interrupts.patient() as outer:
        with interrupts.patient() as inner:
            strike()
        assert not inner.asked and interrupts.asked()
    assert outer.asked


def test_an_interrupt_within_a_watched_body_can_be_passed_on() -> None:
    tidied = []
    with pytest.raises(KeyboardInterrupt), interrupts.watched():
        with interrupts.patient() as body:
            strike()
        assert body.asked
        try:
            interrupts.act_now()
        finally:
            strike()  # waits for the clean-up
            tidied.append("all")
    assert tidied


def test_a_patient_body_in_another_thread_is_never_asked() -> None:
    seen = []

    def work() -> None:
        with interrupts.patient() as body:
            seen.append(interrupts.asked())
        seen.append(body.asked)

    with interrupts.patient():
        strike()
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert seen == [False, False]
