"""A fork server: it imports the whole bot once and forks a child per plan, so that a kill costs no new interpreter.

It reads plans from standard input, one JSON line each, `{"id": 1, "plan": {...}}`, and writes what became of the
children to standard output: `{"id": 1, "pid": 7}`, `{"id": 1, "line": "reached ..."}`, `{"id": 1, "exit": -9}`. The end
of its input kills what is left and ends it. It runs no loop and no thread, so its children begin clean.
"""

from __future__ import annotations

import gc
import json
import os
import selectors
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OUT = 100  # where the protocol is spoken: standard output is the libraries' own


@dataclass
class Child:
    """One that lives: its pipe, and the piece of a line that came last."""

    id: int
    pid: int
    pipe: int
    rest: bytes = b""


class Nursery:
    """Forks, listens, and buries."""

    def __init__(self) -> None:
        self._watch = selectors.DefaultSelector()
        self._children: dict[int, Child] = {}
        self._input = b""

    def run(self) -> None:
        """Serve until the input ends."""
        self._watch.register(0, selectors.EVENT_READ)
        _say({"ready": os.getpid(), "threads": _threads()})
        while True:
            for key, _events in self._watch.select():
                if key.fd != 0:
                    self._hear(self._children[key.fd])
                elif not self._orders():
                    self._end()
                    return

    def _orders(self) -> bool:
        data = os.read(0, 1 << 20)
        *lines, self._input = (self._input + data).split(b"\n")
        for line in lines:
            order = json.loads(line)
            if "plan" in order:
                self._fork(order["id"], order["plan"])
            else:
                self._signal(order["id"], order["signal"])
        return bool(data)

    def _fork(self, number: int, plan: dict[str, Any]) -> None:
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            _become(plan, writing, [reading, *self._children])
        os.close(writing)
        child = Child(number, pid, reading)
        self._children[reading] = child
        self._watch.register(reading, selectors.EVENT_READ)
        _say({"id": number, "pid": pid})

    def _hear(self, child: Child) -> None:
        data = os.read(child.pipe, 1 << 16)
        *lines, child.rest = (child.rest + data).split(b"\n")
        for line in lines:
            _say({"id": child.id, "line": line.decode()})
        if not data:
            self._watch.unregister(child.pipe)
            os.close(child.pipe)
            del self._children[child.pipe]
            _pid, status = os.waitpid(child.pid, 0)
            _say({"id": child.id, "exit": os.waitstatus_to_exitcode(status)})

    def _signal(self, number: int, which: int) -> None:
        for child in self._children.values():
            if child.id == number:
                os.kill(child.pid, which)

    def _end(self) -> None:
        for child in self._children.values():
            os.kill(child.pid, signal.SIGKILL)
            os.waitpid(child.pid, 0)


def _become(plan: dict[str, Any], pipe: int, others: list[int]) -> None:
    """Be the child; never returns."""
    code = 1
    try:
        for fd in others:
            os.close(fd)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        from tests.faults.child import Plan, live  # noqa: PLC0415  # imported by `main` already

        live(Plan(**plan), pipe)
        code = 0
    except BaseException:  # noqa: BLE001  # it is told by the exit code; the log has the words
        import traceback  # noqa: PLC0415  # on this way out alone

        traceback.print_exc()
    finally:
        os._exit(code)


def _say(fact: dict[str, Any]) -> None:
    os.write(OUT, json.dumps(fact).encode() + b"\n")


def _threads() -> int:
    """Threads of this process, once those that are ending have ended."""
    deadline = time.monotonic() + 5
    while (count := len(list(Path("/proc/self/task").iterdir()))) > 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    return count


def main() -> None:
    """Import everything, then serve; whatever else would be printed goes nowhere."""
    os.dup2(1, OUT)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    import tests.faults.child  # noqa: PLC0415, F401  # what the children need, once
    from tests.faults import warm  # noqa: PLC0415  # as above

    warm.up(sys.argv[1])
    gc.collect()
    gc.freeze()  # collections in a child need not touch, and so copy, what is here
    Nursery().run()


if __name__ == "__main__":
    main()
