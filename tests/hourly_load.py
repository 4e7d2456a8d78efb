"""Small CSV file of hourly load, and the files that `evaluate` copies to its output."""

from pathlib import Path

SCORES = {"scores.json", "per_step.csv", "per_target.csv", "per_series.csv", "forecasts.png"}


def write_load(path: Path, *, hours: int = 400) -> None:
    """Write hourly values with a daily season and a pattern without a season."""
    lines = ["time,load"]
    for hour in range(hours):
        day, hour_of_day = divmod(hour, 24)
        value = 50 + 10 * ((hour_of_day - 12) / 12) ** 2 + (37 * hour % 101) / 25
        lines.append(f"2024-{1 + day // 28:02}-{1 + day % 28:02} {hour_of_day:02}:00,{value:.3f}")
    path.write_text("\n".join(lines) + "\n")
