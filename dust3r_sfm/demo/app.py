"""What the server answers: the page, uploads, runs, and what came of them."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.resources import files
from typing import get_args

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from dust3r_sfm.demo.config import DemoSettings
from dust3r_sfm.demo.guard import REPORT_POLICY, VIEWER_POLICY
from dust3r_sfm.demo.refusals import REFUSALS
from dust3r_sfm.demo.results import DOWNLOADS, picture_of, placed_photos, prepare_download
from dust3r_sfm.demo.runs.commands import commands_of
from dust3r_sfm.demo.runs.jobs import Job, Jobs
from dust3r_sfm.demo.runs.options import RunOptions, options_from_json
from dust3r_sfm.demo.runs.queue import Run, RunQueue
from dust3r_sfm.demo.uploads import Kind, receive
from dust3r_sfm.demo.viewers import Viewers
from dust3r_sfm.errors import InputError

_ASSETS = {
    "": ("index.html", "text/html"),
    "demo.css": ("demo.css", "text/css"),
    **{
        name: (name, "text/javascript")
        for name in ("demo.js", "uploads.js", "form.js", "run.js", "result.js")
    },
}


class Demo:
    """The state of one server, and its answers."""

    def __init__(self, settings: DemoSettings) -> None:
        self._settings, self._config = settings, settings.config
        self._jobs = Jobs(settings.place, self._config)
        self._queue, self._viewers = RunQueue(self._config), Viewers(self._config)
        # Each decodes a whole photo, and exports a whole scene.
        self._pictures, self._downloads = asyncio.Semaphore(2), asyncio.Lock()
        # Of two, one would take the room that the other makes.
        self._creating = asyncio.Lock()

    def app(self) -> Starlette:
        job = "/api/jobs/{id}"
        routes = [
            *(Route(f"/{path}", self._asset) for path in _ASSETS),
            Route("/api/about", self._about),
            Route("/api/jobs", self._create, methods=["POST"]),
            Route(job, self._state),
            Route(job, self._drop, methods=["DELETE"]),
            Route(job + "/{kind}", self._upload, methods=["PUT"]),
            Route(job + "/uploads", self._clear, methods=["DELETE"]),
            Route(job + "/run", self._run, methods=["POST"]),
            Route(job + "/stop", self._stop, methods=["POST"]),
            Route(job + "/events", self._events),
            Route(job + "/photos", self._photos),
            Route(job + "/pictures/{index:int}/{kind}", self._picture),
            Route(job + "/download/{file}", self._download),
            Route(job + "/report", self._report),
            Route(job + "/viewer", self._open_viewer, methods=["POST"]),
            Route("/viewer/{id}/", self._viewer_page),
            WebSocketRoute("/viewer/{id}", self._viewer_socket),
            WebSocketRoute("/viewer/{id}/", self._viewer_socket),
        ]
        return Starlette(routes=routes, lifespan=self._live, exception_handlers=REFUSALS)

    @asynccontextmanager
    async def _live(self, _: Starlette) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self._queue.work()), asyncio.create_task(self._sweep())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._viewers.close_all()

    async def _sweep(self) -> None:
        """Runs that nobody watches give way, and what nobody asks for goes."""
        while True:
            await asyncio.sleep(self._config.alive_s)
            for job in self._jobs:
                if job.state.status in ("queued", "running") and job.is_lonely(self._config.lonely_s):
                    await self._queue.stop(job)
                if job.is_lonely(self._config.lonely_s):
                    await self._viewers.close(job)
                if job.is_lonely(self._config.keep_s):
                    await self._drop_job(job)

    async def _drop_job(self, job: Job) -> None:
        self._jobs.forget(job)
        await self._queue.stop(job)
        await self._viewers.close(job)
        await asyncio.to_thread(job.remove)

    def _job(self, request: Request | WebSocket) -> Job:
        job = self._jobs.find(request.path_params["id"])
        if job is None:
            raise HTTPException(404, "what you had here is gone; load the page again")
        return job

    def _done_job(self, request: Request) -> Job:
        job = self._job(request)
        if job.state.status != "done":
            raise HTTPException(409, "there is no result yet")
        return job

    async def _asset(self, request: Request) -> Response:
        name, media_type = _ASSETS[request.url.path.removeprefix("/")]
        text = (files("dust3r_sfm.demo") / "page" / name).read_text(encoding="utf-8")
        return Response(text, media_type=media_type)

    async def _about(self, _: Request) -> Response:
        config = self._config
        return JSONResponse(
            {
                "regressors": self._settings.regressors,
                "defaults": RunOptions(regressor=self._settings.regressors[0]).__dict__,
                "max_file_bytes": config.max_file_bytes,
                "max_job_bytes": config.max_job_bytes,
                "max_photos": config.max_photos,
            }
        )

    async def _create(self, _: Request) -> Response:
        async with self._creating:
            for job in self._jobs.in_the_way():
                await self._drop_job(job)
            return JSONResponse({"id": self._jobs.create().id}, 201)

    async def _state(self, request: Request) -> Response:
        return JSONResponse(self._job(request).state.json())

    async def _drop(self, request: Request) -> Response:
        await self._drop_job(self._job(request))
        return Response(status_code=204)

    async def _upload(self, request: Request) -> Response:
        job, kind = self._job(request), request.path_params["kind"]
        if kind not in get_args(Kind):
            raise HTTPException(404, "no such place")
        announced = int(request.headers.get("content-length", "0"))
        if announced > self._config.max_file_bytes:
            raise InputError(f"it is larger than {self._config.max_file_bytes / 1e6:.0f} MB")
        wanted = request.query_params.get("name", "")
        try:
            name = await receive(job, kind, wanted, request.stream(), self._config)
        except ClientDisconnect as gone:
            raise HTTPException(400, "the connection was lost") from gone
        return JSONResponse({"name": name}, 201)

    async def _clear(self, request: Request) -> Response:
        job = self._job(request)
        job.check_no_upload()
        await self._viewers.close(job)
        await self._queue.stop(job)
        job.forget_uploads()
        await asyncio.to_thread(job.clear_run)
        return Response(status_code=204)

    async def _run(self, request: Request) -> Response:
        job = self._job(request)
        try:
            values = await request.json()
        except ValueError as error:
            raise InputError("options: are no JSON") from error
        options = options_from_json(values, self._settings.regressors)
        await self._viewers.close(job)
        # Nothing is waited for from here on: who asks twice runs once.
        if job.state.status in ("queued", "running"):
            raise InputError("it runs already")
        self._queue.submit(Run(job, commands_of(job, options, self._settings)))
        return Response(status_code=204)

    async def _stop(self, request: Request) -> Response:
        await self._queue.stop(self._job(request))
        return Response(status_code=204)

    async def _events(self, request: Request) -> Response:
        return StreamingResponse(self._states(self._job(request)), media_type="text/event-stream")

    async def _states(self, job: Job) -> AsyncIterator[str]:
        """Each state as it comes, the last one first; between them a sign of life."""
        job.watchers += 1
        try:
            while True:
                told, at_s = job.state, time.monotonic()
                yield f"data: {json.dumps(told.json())}\n\n"
                while job.state is told:
                    with suppress(asyncio.TimeoutError):
                        await asyncio.wait_for(job.changed(), self._config.alive_s)
                    if job.state is told:
                        yield ": still here\n\n"
                await asyncio.sleep(max(0.0, self._config.tell_s - (time.monotonic() - at_s)))
        finally:
            job.watchers -= 1
            job.touch()

    async def _photos(self, request: Request) -> Response:
        return JSONResponse(await asyncio.to_thread(placed_photos, self._done_job(request)))

    async def _picture(self, request: Request) -> Response:
        job, values = self._done_job(request), request.path_params
        async with self._pictures:
            found = await asyncio.to_thread(picture_of, job, values["index"], values["kind"], self._config)
        if found is None:
            raise HTTPException(404, "there is no such picture")
        return Response(found[0], media_type=found[1])

    async def _download(self, request: Request) -> Response:
        job, download = self._done_job(request), DOWNLOADS.get(request.path_params["file"])
        if download is None:
            raise HTTPException(404, "there is no such file")
        threshold = request.query_params.get("min_confidence")
        try:
            confidence = None if threshold is None else float(threshold)
        except ValueError as error:
            raise InputError("min_confidence: is no number") from error
        async with self._downloads:
            # Another run may have begun while others' downloads were made.
            job = self._done_job(request)
            path = await prepare_download(job, download, confidence, self._config)
        return FileResponse(path, filename=download.file, media_type="application/octet-stream")

    async def _report(self, request: Request) -> Response:
        headers = {"content-security-policy": REPORT_POLICY}
        return FileResponse(self._done_job(request).out / "report.html", headers=headers)

    async def _open_viewer(self, request: Request) -> Response:
        job = self._done_job(request)
        there = await self._viewers.open(job)
        return JSONResponse({"address": f"/viewer/{job.id}/" if there else None})

    async def _viewer_page(self, request: Request) -> Response:
        page = await self._viewers.page(self._done_job(request).id)
        if page is None:
            raise HTTPException(404, "there is no viewer")
        return Response(page, media_type="text/html", headers={"content-security-policy": VIEWER_POLICY})

    async def _viewer_socket(self, socket: WebSocket) -> None:
        await self._viewers.pass_through(socket.path_params["id"], socket)
