"""The web application, put together: ``create_app(archive, settings)``."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles

from server import api, history, index_api, login, pages, problems, timeline
from server.archive import Archive
from server.builder import COMMAND
from server.conversations import Conversations, remove_articles
from server.desk import Desk
from server.drawer import Drawer
from server.feedback import Feedback
from server.gate import Gate
from server.messages import AskRequest
from server.metrics import Metrics
from server.permission import Permission
from server.settings import Settings
from server.upkeep import Upkeep


def create_app(archive: Archive, settings: Settings, build_command: Sequence[str] = COMMAND) -> FastAPI:
    """Pages and JSON over ``archive``. Works without an index too, and says so everywhere.

    ``build_command`` starts the process that builds; see server/builder.py.
    """
    metrics = Metrics(archive)
    drawer = Drawer(settings.data if settings.keep else None)
    conversations = Conversations(drawer)
    feedback = Feedback(drawer, conversations)
    desk = Desk(archive, conversations, metrics, settings)
    permission, upkeep = Permission(settings), Upkeep(settings, build_command, partial(remove_articles, drawer))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(upkeep.tasks.start)
        yield
        desk.close()
        await run_in_threadpool(upkeep.tasks.close)
        drawer.close()

    app = FastAPI(
        title="Verbatim",
        version=_version(),
        description="Answers questions over an archive of articles in the articles' own words. "
        "Every quote is the article's text from start to end, counted in code points.",
        docs_url=None,  # FastAPI's documentation pages load scripts from elsewhere
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        middleware=[
            Middleware(Gate, metrics=metrics, settings=settings, permission=permission),
            Middleware(GZipMiddleware, minimum_size=1_000, compresslevel=5),
        ],
    )
    app.state.local = settings.local
    app.state.permission, app.state.upkeep = permission, upkeep
    app.state.archive, app.state.metrics, app.state.desk = archive, metrics, desk
    app.state.pages = pages.Pages(archive, conversations, feedback)
    app.state.drawer, app.state.conversations, app.state.feedback = drawer, conversations, feedback
    app.state.asking = AskRequest  # proposes names for misspelt fields
    routers = (api.router, index_api.router, login.router, history.router, timeline.router, pages.router)
    app.state.routes = tuple(route for each in routers for route in each.routes)  # which methods an address takes
    problems.install(app)
    for each in routers:
        app.include_router(each)
    app.mount("/static", _Static(directory=pages.HERE / "static"))
    app.openapi = lambda: _describe(app)  # type: ignore[method-assign]
    return app


def uvicorn_options(settings: Settings) -> dict[str, Any]:
    """Keyword arguments for ``uvicorn.run`` and ``uvicorn.Config``, with limits that its defaults lack."""
    from server.connection import Connection  # uvicorn itself is only needed to serve

    return {
        "host": settings.host,
        "port": settings.port,
        "http": Connection,
        "ws": "none",
        "lifespan": "on",
        "log_config": None,  # the log is set up where the process starts
        "log_level": settings.log_level,
        "access_log": False,  # server/gate.py writes one line a request, without the question
        "proxy_headers": False,
        "server_header": False,
        "limit_concurrency": 256,
        "backlog": 128,
        "timeout_keep_alive": 5,
        "timeout_graceful_shutdown": 10,
        "h11_max_incomplete_event_size": 32 * 1024,
    }


class _Static(StaticFiles):
    """Files that a browser keeps but asks about, so that a new version shows at once."""

    def file_response(self, *args: Any, **kwargs: Any) -> Any:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response


def _describe(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        _, definitions = models_json_schema(
            [(problems.Problem, "serialization"), *((model, "validation") for model in index_api.MODELS)],
            ref_template="#/components/schemas/{model}",
        )
        schema["components"]["schemas"] |= definitions["$defs"]
        for name in ("HTTPValidationError", "ValidationError"):
            schema["components"]["schemas"].pop(name, None)
        for operation in (operation for methods in schema["paths"].values() for operation in methods.values()):
            if "422" in operation["responses"]:  # FastAPI describes its own shape, which is not ours
                operation["responses"]["422"] = api.problems(422)[422]
        app.openapi_schema = schema
    return app.openapi_schema


def _version() -> str:
    try:
        return version("verbatim")
    except PackageNotFoundError:
        return "0"
