"""Commands that serve: gateway, console, crash-test model."""

from pathlib import Path

import click

POLICY_OPTION = click.option(
    "--policy", type=click.Path(path_type=Path, dir_okay=False), default=Path("fairlead.yaml"), show_default=True, help="The policy file."
)


@click.command()
@POLICY_OPTION
@click.option("--host", default=None, help="Address to listen on.")
@click.option("--port", type=int, default=None, help="Port to listen on.")
@click.option("--workers", type=click.IntRange(1, 64), default=None, help="Worker processes.")
@click.option("--worker", type=int, default=None, hidden=True, help="Be this worker of a supervisor.")
def gateway(policy: Path, host: str | None, port: int | None, workers: int | None, worker: int | None) -> None:
    """Run the guarding gateway in front of the policy's upstreams."""
    from fairlead.config import load_settings
    from fairlead.gateway import Supervisor, serve_worker, worker_socket
    from fairlead.wiring.data_plane import build_data_plane

    settings = load_settings()
    address, listen = host or settings.host, settings.gateway_port if port is None else port
    count = settings.workers if workers is None else workers
    if worker is None and count > 1:
        # Told here once, instead of by every worker.
        build_data_plane(settings, policy, "check").close()
        Supervisor(policy.absolute(), count, address, listen).run()
        return
    number = worker or 0
    plane = build_data_plane(settings, policy, f"worker-{number}", resume=worker is not None)
    serve_worker(plane, address, listen, worker_socket(settings.data_dir, number), supervised=worker is not None)


@click.command()
@click.option("--host", default=None, help="Address to listen on.")
@click.option("--port", type=int, default=None, help="Port to listen on.")
@click.option("--tenant", default="default", show_default=True, help="What stands in the tenant field of the login form.")
@click.option("--https", is_flag=True, help="Browsers reach it by https, through a proxy: cookies are sent by https only.")
def console(host: str | None, port: int | None, tenant: str, https: bool) -> None:
    """Run the console: portfolio, decisions, incidents, approvals, runs, evidence."""
    import uvicorn

    from fairlead.config import load_settings
    from fairlead.console import ConsoleContext, StoreReads, create_app
    from fairlead.wiring.control_plane import build_control_plane

    settings = load_settings()
    plane = build_control_plane(settings)
    app = create_app(
        ConsoleContext(
            reads=StoreReads(plane),
            door=plane.identity,
            inbox=plane.approvals,
            receipts=plane,
            clock=plane.clock,
            tenant=tenant,
            secure=https,
        )
    )
    listen = settings.console_port if port is None else port
    uvicorn.run(app, host=host or settings.host, port=listen, log_config=None, access_log=False, server_header=False)


@click.command("crash-model")
@click.option("--host", default=None, help="Address to listen on.")
@click.option("--port", type=int, default=None, help="Port to listen on.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of how streams are split into chunks.")
def crash_model(host: str | None, port: int | None, seed: int) -> None:
    """Run the crash-test model: it follows any instruction found anywhere. It says nothing about real models."""
    from fairlead.config import load_settings
    from fairlead.crash_model import serve

    settings = load_settings()
    serve(host or settings.host, settings.crash_model_port if port is None else port, seed)
