"""What a page is told of what cannot be."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from traceback import format_exception

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from dust3r_sfm.errors import Dust3rSfmError, InputError

_logger = logging.getLogger(__name__)
_NO_ROOM = 507
"""The protocol's number for a disk that is full."""


async def _refuse(_: Request, error: Exception) -> Response:
    status = 400 if isinstance(error, InputError) else _NO_ROOM
    return JSONResponse({"error": str(error)}, status)


async def _refuse_lost(_: Request, error: Exception) -> Response:
    """A result that went while it was asked for, as another run began."""
    return JSONResponse({"error": "what was asked for is gone"}, 404)


async def _admit(request: Request, error: Exception) -> Response:
    """A mistake of ours, which whoever runs the server is told with its traceback."""
    _logger.error("%s %s: %s", request.method, request.url.path, "".join(format_exception(error)))
    return JSONResponse({"error": "this is a mistake of the demo's; whoever runs it has been told"}, 500)


async def _refuse_http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code)


REFUSALS: Mapping[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
    Dust3rSfmError: _refuse,
    HTTPException: _refuse_http,
    OSError: _refuse_lost,
    Exception: _admit,
}
