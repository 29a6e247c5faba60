"""`python -m infer.serve`: a model as Label Studio's ML backend and as a plain JSON endpoint.

Exit codes: 0 ended by Ctrl-C; 2 could not start (the message says why).
"""

from __future__ import annotations

import argparse
import ipaddress
import logging
import os
import shlex
import socket
import sys
from contextlib import suppress
from pathlib import Path

TOKEN_VARIABLE = "VIZITKA_TOKEN"


class AddressError(ValueError):
    """The service can't listen there; the message says why."""


def build_parser() -> argparse.ArgumentParser:
    """The command's options."""
    parser = argparse.ArgumentParser(prog="python -m infer.serve", description=(__doc__ or "").split("\n")[0])
    add = parser.add_argument
    add("--model", type=Path, default=Path("runs/latest/model"), help="model folder (%(default)s)")
    add("--host", default="127.0.0.1", help="address to listen at (%(default)s); others want a token")
    add("--port", type=int, default=9090, help="%(default)s; 0 takes a free one")
    add("--device", default="auto", help="cpu, cuda or cuda:N; auto takes a GPU if there is one")
    add("--token", help=f"what callers have to bring; better set as {TOKEN_VARIABLE}, where ps can't see it")
    add("--max-megabytes", type=int, default=32, metavar="N", help="largest request (%(default)s)")
    add(
        "--retrain",
        action="append",
        type=split_command,
        metavar="COMMAND",
        help="in place of pull, train and evaluate; may be given several times, see docs/serve.md",
    )
    return parser


def split_command(text: str) -> list[str]:
    """The words of a command, quoted as in a shell."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text}: {error}") from None
    if not words:
        raise argparse.ArgumentTypeError("it is empty")
    return words


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    given = build_parser().parse_args(arguments)
    token = given.token or os.environ.get(TOKEN_VARIABLE) or None
    try:
        if not token and not is_loopback(given.host):
            raise AddressError(
                f"--host {given.host} lets others in; set {TOKEN_VARIABLE} to a secret, or keep to 127.0.0.1"
            )
        with listen(given.host, given.port) as listener:
            return _serve(given, token, listener)
    except AddressError as error:
        print(f"serve: {error}", file=sys.stderr)
        return 2


def _serve(given: argparse.Namespace, token: str | None, listener: socket.socket) -> int:
    # Imported here so that --help answers at once.
    try:
        import uvicorn

        from infer.service import build_app
    except ModuleNotFoundError as error:
        print(f"serve: {error.name} is missing; pip install 'vizitka[serve]'", file=sys.stderr)
        return 2
    from infer.bundle import BundleError
    from infer.config import RunSettings
    from infer.extractor import DeviceError
    from infer.memory import keep_memory
    from infer.retraining import COMMANDS, Retraining
    from infer.worker import Worker

    keep_memory()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("infer").setLevel(logging.INFO)
    try:
        worker = Worker(given.model, RunSettings(device=given.device))
    except (BundleError, DeviceError) as error:
        print(f"serve: {error}", file=sys.stderr)
        return 2
    app = build_app(worker, Retraining(worker, given.retrain or COMMANDS), token, given.max_megabytes << 20)
    host = f"[{given.host}]" if ":" in given.host else given.host
    print(
        f"{worker.served.folder} ({worker.served.version}) answers at "
        f"http://{host}:{listener.getsockname()[1]}",
        flush=True,
    )
    # Requests get some seconds to end when the service is told to.
    config = uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=5)
    with suppress(KeyboardInterrupt):  # raised again by uvicorn, once everything has ended
        uvicorn.Server(config).run(sockets=[listener])
    return 0


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a host name or address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def listen(host: str, port: int) -> socket.socket:
    """An open socket there. Raises AddressError."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise AddressError(f"can't listen at {host}, port {port} ({reason}); try another --port") from None


if __name__ == "__main__":
    sys.exit(main())
