"""The command line: parse, call, render. Commands are imported only when they are asked for."""

from fairlead.cli.main import main

__all__ = ["main"]
