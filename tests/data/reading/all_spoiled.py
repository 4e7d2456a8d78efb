"""All spoiled files."""

import spoiled_cells
import spoiled_files
from spoiled import Case


def cases() -> list[Case]:
    return [
        *spoiled_files.text_cases(),
        *spoiled_files.division_cases(),
        *spoiled_files.row_cases(),
        *spoiled_files.size_cases(),
        *spoiled_files.name_cases(),
        *spoiled_files.foreign_cases(),
        *spoiled_cells.number_cases(),
        *spoiled_cells.time_cases(),
        *spoiled_cells.grid_cases(),
        *spoiled_cells.panel_cases(),
        *spoiled_cells.doubt_cases(),
    ]
