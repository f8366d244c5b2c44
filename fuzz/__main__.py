"""Entry: ``python -m fuzz TARGET [--seconds N] [--corpus FOLDER]``."""

from fuzz.run import main

if __name__ == "__main__":
    raise SystemExit(main())
