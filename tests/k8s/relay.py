"""Runs in a pod: a service, as if it were at a port of this pod's own localhost.

    python3 relay.py HOST PORT LISTEN

goes on until it is ended.
"""

import asyncio
import contextlib
import sys


class Relay:
    """Passes each connection to a port of this pod on to the service, as one of its own."""

    def __init__(self, host, port, listen=0):
        self.target, self.port = (host, port), listen

    async def start(self):
        server = await asyncio.start_server(self._pass_on, "127.0.0.1", self.port, backlog=1024)
        self.port = server.sockets[0].getsockname()[1]
        return self

    async def _pass_on(self, reader, writer):
        with contextlib.suppress(OSError):
            far_reader, far_writer = await asyncio.open_connection(*self.target)
            ways = [asyncio.create_task(self._pump(*way))
                    for way in ((reader, far_writer), (far_reader, writer))]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            far_writer.close()
        writer.close()

    async def _pump(self, reader, writer):
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()


async def main(host, port, listen):
    await Relay(host, int(port), int(listen)).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
