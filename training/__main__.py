"""Entry: ``python -m training [--data FOLDER] [--write]``."""

from training.train import main

if __name__ == "__main__":
    raise SystemExit(main())
