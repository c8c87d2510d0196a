import socket
import threading
import time

import pytest

from coursekit.labs.grading.values import Sizes, WireError
from coursekit.labs.grading.wire import PREFIX, Channel, Closed, Late


@pytest.fixture
def ends():
    a, b = socket.socketpair()
    with a, b:
        yield Channel(a), b


def soon(seconds=0.2):
    return time.monotonic() + seconds


def test_frames_follow_each_other(ends):
    ours, theirs = ends
    other = Channel(theirs)
    other.send({"value": 1})
    other.send({"value": "two"})
    assert ours.receive(soon()) == {"value": 1}
    assert ours.receive(soon()) == {"value": "two"}


def test_silence_is_late(ends):
    with pytest.raises(Late):
        ends[0].receive(soon())


def test_a_drip_is_late_although_bytes_come(ends):
    ours, theirs = ends
    stop = threading.Event()

    def drip():
        theirs.sendall(PREFIX.pack(1000, 0))
        while not stop.wait(0.05):
            theirs.sendall(b" ")

    thread = threading.Thread(target=drip)
    thread.start()
    begun = time.monotonic()
    with pytest.raises(Late):
        ours.receive(soon(0.4))
    stop.set()
    thread.join()
    assert time.monotonic() - begun < 5


def test_a_peer_that_does_not_read_is_late(ends):
    with pytest.raises(Late):
        ends[0].send({"value": "x" * 2**22}, soon())


def test_an_announced_length_is_not_believed(ends):
    ours, theirs = ends
    theirs.sendall(PREFIX.pack(2**32 - 1, 2**32 - 1))
    with pytest.raises(WireError, match="announces"):
        ours.receive(soon())


def test_the_end_in_the_middle_of_a_frame_is_closed(ends):
    ours, theirs = ends
    theirs.sendall(PREFIX.pack(10, 0) + b"abc")
    theirs.close()
    with pytest.raises(Closed):
        ours.receive(soon())
    with pytest.raises(Closed):
        ours.send({"value": "x" * 2**22}, soon())


def test_a_sender_says_what_is_too_large(ends):
    channel = Channel(ends[1], sent=Sizes(header=100))
    with pytest.raises(WireError, match="the limit is"):
        channel.send({"value": "x" * 200})
