"""Entry point of `python -m lstm_cli`, which runs the same program as `lstm`."""

from lstm_cli.cli.main import main

if __name__ == "__main__":
    main()
