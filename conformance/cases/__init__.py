"""The cases, one module per promise; each runs alone with `python -m conformance.cases.NAME`."""

import argparse


def options(text: str) -> argparse.ArgumentParser:
    """What every case can be told."""
    parser = argparse.ArgumentParser(description=text.splitlines()[0])
    parser.add_argument("--path", choices=("direct", "waxwing"), default="waxwing")
    return parser


def end(suite, way) -> None:
    """Closes a way; Waxwing must have lived until now and must end by itself."""
    if way.waxwing:
        with suite.case("Waxwing (%s) is still there and ends cleanly" % suite.title):
            way.close()
