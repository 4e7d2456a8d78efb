"""Command line of lstm, the only package that imports Typer and Rich; `main` is its entry point."""
