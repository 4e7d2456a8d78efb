"""`python -m lstm_cli` is `lstm`."""

from lstm_cli.cli.main import main

if __name__ == "__main__":
    main()
