"""Assembles the service: lifespan, middleware, problem documents, routes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from app.api.alerts import router as alerts_router
from app.api.audit import router as audit_router
from app.api.backtests import router as backtests_router
from app.api.cap import router as cap_router
from app.api.channels import router as channels_router
from app.api.definitions import router as definitions_router
from app.api.events import router as events_router
from app.api.exports import router as exports_router
from app.api.figures import router as figures_router
from app.api.forecasts import router as forecasts_router
from app.api.freshness import router as freshness_router
from app.api.grants import router as grants_router
from app.api.indicators import router as indicators_router
from app.api.jobs import router as jobs_router
from app.api.layers import router as layers_router
from app.api.observations import router as observations_router
from app.api.people import router as people_router
from app.api.personal import counts_router
from app.api.personal import router as personal_router
from app.api.query import router as query_router
from app.api.report_maps import router as report_maps_router
from app.api.scenario_revisions import router as scenario_revisions_router
from app.api.scenarios import router as scenarios_router
from app.api.search import router as search_router
from app.api.sheets import router as sheets_router
from app.api.tasks import router as tasks_router
from app.api.units import router as units_router
from app.client_address import ClientAddress
from app.database import Database, open_auth, open_gate, open_writer
from app.doorway import FinalSlash, OtherWebsites
from app.encoding import Encode
from app.health import router as health_router
from app.identity.identify import Identify
from app.identity.oidc import provider_of
from app.identity.oidc_routes import router as oidc_router
from app.identity.pages import router as account_pages_router
from app.identity.people import People, account_rules, second_factor_key_file
from app.identity.routes import router as account_router
from app.live.ending import before_the_end
from app.live.hub import LiveHub
from app.locate import locate_database
from app.logs import configure_logs
from app.middleware import CancelWhenGone, LimitBody, RequestContext
from app.observing.sensorthings import router as sensorthings_router
from app.ogc.documents import OGCDocuments
from app.ogc.process_jobs import router as process_jobs_router
from app.ogc.processes import router as processes_router
from app.ogc.routes import router as ogc_router
from app.ogc.style_routes import router as style_router
from app.ogc.transactions import router as transactions_router
from app.pages import router as pages_router
from app.problems import register_problems
from app.raster_routes import router as raster_router
from app.reports.pages import router as report_pages_router
from app.reports.photo_routes import router as photos_router
from app.reports.receiving import reports_key_file
from app.reports.routes import router as reports_router
from app.resources import Resources
from app.security_headers import SecurityHeaders
from app.sending.pages import router as own_channels_router
from app.settings import Settings
from app.tile_routes import router as tile_router
from app.uploads.file_routes import router as upload_files_router
from app.uploads.notice_routes import router as notices_router
from app.uploads.routes import router as uploads_router
from app.uploads.target_routes import router as upload_targets_router
from app.uploads.tus import router as tus_router
from app.viewer_routes import router as viewer_router
from app.watcher import CatalogueWatcher
from layers.identity.second_factor import open_key
from layers.reader import Statements
from scenarios.reports.sealing import open_sealing_key
from tiles.cache import TileCache
from tiles.raster.render import RasterTiles
from tiles.service import TileService
from web.version import VERSION

DESCRIPTION = """Dịch vụ bản đồ số của Trung tâm điều hành thông minh (IOC).
The digital map service of an Intelligent Operations Centre."""
MAX_BODY_BYTES = 8 * 2**20
STREAMED = ("/api/uploads", "/api/reports", "/api/photos", "/report")


def create_app(settings: Settings | None = None, database: Database | None = None) -> FastAPI:
    """Builds the application.

    Args:
        settings: Read from the environment where none are given.
        database: The database to serve; found by the settings where none is given.
    """
    chosen = settings or Settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        configure_logs(chosen.log_format)
        found = database or locate_database(chosen)
        watcher = CatalogueWatcher(found.dsn("diaban_watcher"))
        live = LiveHub(watcher.sensitivity_of)
        watcher.add_follower(live)
        async with (
            open_gate(found, chosen) as gate,
            open_writer(found, chosen) as writer,
            open_auth(found, chosen) as auth,
            watcher.running(),
            before_the_end(live.close),
        ):
            key, rules = open_key(second_factor_key_file(chosen)), account_rules(chosen)
            people = People(auth, writer, found.engine("diaban_auth"), key, rules, provider_of(chosen))
            statements = Statements()
            tiles = TileService(gate.tiles or gate, statements, TileCache(chosen.tile_cache_mb * 1024 * 1024))
            rasters = RasterTiles(chosen.raster_dir, chosen.raster_cache_mb * 1024 * 1024)
            editing, sealing = found.engine("diaban_writer"), open_sealing_key(reports_key_file(chosen))
            app.state.resources = Resources(
                chosen,
                gate,
                watcher,
                statements,
                tiles,
                writer,
                rasters,
                editing,
                people,
                live,
                sealing,
                found.engine("diaban_personal"),
            )
            app.state.ogc = OGCDocuments(chosen.public_url)
            yield

    app = FastAPI(
        title="Địa Bàn",
        description=DESCRIPTION,
        version=VERSION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    register_problems(app)
    # Routes are tried in this order: what is asked most comes first.
    for router in (
        tile_router,
        query_router,
        health_router,
        viewer_router,
        pages_router,
        style_router,
        ogc_router,
        processes_router,
        process_jobs_router,
        transactions_router,
        raster_router,
        search_router,
        report_maps_router,
        freshness_router,
        exports_router,
        layers_router,
        personal_router,
        counts_router,
        definitions_router,
        units_router,
        scenarios_router,
        scenario_revisions_router,
        backtests_router,
        figures_router,
        sheets_router,
        audit_router,
        alerts_router,
        cap_router,
        tasks_router,
        reports_router,
        report_pages_router,
        photos_router,
        indicators_router,
        forecasts_router,
        observations_router,
        sensorthings_router,
        events_router,
        jobs_router,
        people_router,
        grants_router,
        account_router,
        account_pages_router,
        oidc_router,
        # Before the uploads themselves: an upload's id could be "tus" or "targets" otherwise.
        tus_router,
        upload_targets_router,
        uploads_router,
        upload_files_router,
        notices_router,
        channels_router,
        own_channels_router,
    ):
        app.include_router(router)
    # The last added is the outermost.
    app.add_middleware(Identify)
    app.add_middleware(Encode)
    app.add_middleware(
        LimitBody, max_bytes=MAX_BODY_BYTES, streamed=("/api/uploads", "/api/reports", "/api/photos", "/report")
    )
    app.add_middleware(CancelWhenGone, streamed="/api/uploads/tus/")
    app.add_middleware(FinalSlash, prefix="/ogc")
    app.add_middleware(OtherWebsites, origins=chosen.cors_origins)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(RequestContext)
    app.add_middleware(ClientAddress, trusted=chosen.trusted_proxies)
    return app
