"""uvicorn's HTTP/1.1 connection with the deadlines it lacks.

uvicorn closes a connection that idles between two requests, but waits for ever for a client that
connects and sends nothing, sends a head or an unread body byte by byte, or does not read what it
is sent. A few hundred of those keep everyone else out.
"""

import asyncio
import json
import logging
import uuid

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from server.gate import SAFE_HEADERS
from server.problems import BAD_REQUEST, MEDIA_TYPE

SLOWEST_HEAD = 10.0  # seconds from the first byte, or the connection, to a complete head
SLOWEST_READER = 30.0  # seconds without reading any of a response

log = logging.getLogger("verbatim")


class Connection(H11Protocol):
    """Closes on clients that stall."""

    _head_timer: asyncio.TimerHandle | None = None
    _write_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]
        self._head_timer = self.loop.call_later(SLOWEST_HEAD, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_timers()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._cancel_head_timer()
        elif self._head_timer is None and not self.transport.is_closing():
            self._head_timer = self.loop.call_later(SLOWEST_HEAD, self._give_up)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._write_timer = self.loop.call_later(SLOWEST_READER, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def send_400_response(self, msg: str) -> None:
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):  # a response is under way: nothing can be said
            self.transport.close()
            return
        request_id = uuid.uuid4().hex
        log.info("request_id=%s was not HTTP/1.1 (%s)", request_id, msg)
        document = {
            "type": BAD_REQUEST.type,
            "title": BAD_REQUEST.title,
            "status": BAD_REQUEST.status,
            "detail": "this is not HTTP/1.1, or its head is too long; send a plain HTTP request",
            "instance": "/",
            "request_id": request_id,
        }
        body = json.dumps(document).encode()
        headers = SAFE_HEADERS | {
            "Content-Type": MEDIA_TYPE,
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",
            "Connection": "close",
            "X-Request-ID": request_id,
        }
        head = h11.Response(status_code=400, headers=[(k.encode(), v.encode()) for k, v in headers.items()])
        for event in (head, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _give_up(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            self.transport.close()

    def _cancel_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _cancel_timers(self) -> None:
        self._cancel_head_timer()
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None
