"""aiohttp's own way to serve a folder, as a peer: `python -m tests.bench.file_response FOLDER PORT`."""

import asyncio
import sys
from pathlib import Path

from aiohttp import web


async def serve(folder: Path, port: int) -> None:
    async def file(request: web.Request) -> web.FileResponse:
        return web.FileResponse(folder / request.match_info["path"])

    app = web.Application()
    app.router.add_get("/{path:.+}", file)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
