"""A small CSV of hourly load, and the files that `evaluate` copies to its output."""

from pathlib import Path

SCORES = {"scores.json", "per_step.csv", "per_target.csv", "per_series.csv", "forecasts.png"}


def write_load(path: Path, *, hours: int = 400) -> None:
    """Hourly values with a daily season and a pattern that no season explains."""
    lines = ["time,load"]
    for hour in range(hours):
        day, of_day = divmod(hour, 24)
        value = 50 + 10 * ((of_day - 12) / 12) ** 2 + (37 * hour % 101) / 25
        lines.append(f"2024-{1 + day // 28:02}-{1 + day % 28:02} {of_day:02}:00,{value:.3f}")
    path.write_text("\n".join(lines) + "\n")
