"""`python -m train`: retrain from Label Studio annotations, score on held-out ones, write a run folder.

Exit codes: 0 done; 2 could not start or not write (the message says why); 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path


def build_parser() -> argparse.ArgumentParser:
    """The command's options."""
    parser = argparse.ArgumentParser(prog="python -m train", description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--config", type=Path, default=Path("configs/default.yaml"), help="default: %(default)s"
    )
    parser.add_argument("--output", type=Path, help="run folder (default: runs/<time>)")
    parser.add_argument(
        "--resume", action="store_true", help="go on with the killed run of --output, or the newest"
    )
    parser.add_argument(
        "--folds",
        type=int,
        metavar="N",
        help="cross-validate instead: N models on the training annotations, each scored on its fold",
    )
    parser.add_argument("overrides", nargs="*", metavar="section.key=value", help="changes to the config")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = build_parser().parse_intermixed_args(arguments)
    try:
        return _run(options)
    except KeyboardInterrupt:
        print("\ntrain: stopped; the same command with --resume goes on from here", file=sys.stderr)
        return 130


def _run(options: argparse.Namespace) -> int:
    # Imported here so that --help answers at once.
    from infer.bundle import BundleError
    from infer.labelstudio import LabelStudioError
    from infer.memory import keep_memory
    from infer.schema import SchemaError
    from train.config import ConfigError, load_config
    from train.folds import FOLDS, cross_validate
    from train.recipe import RunError, link_latest, open_run, start_processes, train

    keep_memory()
    folder = options.output
    try:
        config = load_config(options.config, options.overrides)
        name = time.strftime("%Y-%m-%d-%H%M%S")
        if options.folds is None:
            folder = open_run(options.output, options.resume, name)
            train(config, folder, options.resume)
            if start_processes().is_main_process:
                link_latest(folder)
        else:
            folder = open_run(options.output, options.resume, f"{name}-folds", FOLDS)
            cross_validate(config, folder, options.folds, options.resume)
    except (BundleError, ConfigError, LabelStudioError, RunError, SchemaError) as error:
        print(f"train: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        place, reason = error.filename or folder, error.strerror or error
        advice = "mend that, then the same command with --resume goes on"
        print(f"train: can't write {place} ({reason}); {advice}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
