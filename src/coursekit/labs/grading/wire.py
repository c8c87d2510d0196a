r"""Frames on a socket: length-prefixed JSON and raw bytes, never pickle.

A frame is ``header length (u32) | body length (u32) | header | body``.  The header is
the JSON tree of `values`; the body holds the bytes of all tensors one after another, in
the order of the header's table.  Lengths are checked against the caps before anything
is read, and a deadline covers a whole frame, however slowly its bytes come.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Mapping
from typing import Any

from coursekit.labs.grading.decoding import Decoder, Outward
from coursekit.labs.grading.values import Inward, Sizes, WireError, encode

__all__ = ["Channel", "Closed", "Late"]

PREFIX = struct.Struct(">II")


class Closed(ConnectionError):
    """Report that the other side closed the connection."""


class Late(TimeoutError):
    """Report that the other side did not answer before the deadline."""


class Channel:
    """Send and receive frames on a socket, each before a deadline.

    Args:
        connection: A connected stream socket.
        received: Caps of a received frame.
        sent: Caps of a sent frame, where the peer would refuse a larger one.
    """

    def __init__(
        self,
        connection: socket.socket,
        received: Sizes | None = None,
        sent: Sizes | None = None,
    ):
        self.connection = connection
        self.received = received or Sizes()
        self.sent = sent

    def send(
        self,
        message: Mapping[str, Any],
        deadline: float | None = None,
        special: Inward | None = None,
    ) -> None:
        """Send one message.

        Args:
            message: Field names and plain values.
            deadline: Time of `time.monotonic` at which to give up.
            special: Encodes what is no plain value.

        Raises:
            WireError: If the message is larger than the caps.
            Closed: If the other side is gone.
            Late: If the other side did not read it in time.
        """
        header, body = encode(message, special)
        sent = self.sent
        if sent and (len(header) > sent.header or len(body) > sent.body):
            size = len(header) + len(body)
            raise WireError(f"it has {size:,} bytes, the limit is {sent.body:,}")
        self._set_timeout(deadline)
        try:
            self.connection.sendall(PREFIX.pack(len(header), len(body)) + header + body)
        except TimeoutError:
            raise Late("the other side does not read") from None
        except OSError:
            raise Closed("the other side is gone") from None

    def receive(
        self,
        deadline: float | None = None,
        special: Outward | None = None,
    ) -> dict[str, Any]:
        """Receive one message.

        Args:
            deadline: Time of `time.monotonic` at which to give up; it covers the
                whole frame, however slowly its bytes come.
            special: Decodes what is no plain value.

        Returns:
            Field names and plain values.

        Raises:
            WireError: If the frame is malformed or larger than the caps.
        """
        n_header, n_body = PREFIX.unpack(self._exactly(PREFIX.size, deadline))
        if n_header > self.received.header or n_body > self.received.body:
            raise WireError("a frame announces more bytes than it may have")
        header = self._exactly(n_header, deadline)
        body = self._exactly(n_body, deadline)
        return Decoder(special, self.received).message(header, body)

    def _exactly(self, count: int, deadline: float | None) -> bytes:
        data = bytearray()
        while len(data) < count:
            self._set_timeout(deadline)
            try:
                part = self.connection.recv(min(count - len(data), 2**16))
            except TimeoutError:
                raise Late("no answer before the deadline") from None
            except OSError:
                raise Closed("the other side is gone") from None
            if not part:
                raise Closed("the other side closed the connection")
            data += part
        return bytes(data)

    def _set_timeout(self, deadline: float | None) -> None:
        if deadline is None:
            self.connection.settimeout(None)
            return
        left = deadline - time.monotonic()
        if left <= 0:
            raise Late("no answer before the deadline")
        self.connection.settimeout(left)
