"""Cases of all malformed files."""

import malformed_cells
import malformed_files
from malformed import Case


def cases() -> list[Case]:
    return [
        *malformed_files.text_cases(),
        *malformed_files.delimiter_cases(),
        *malformed_files.row_cases(),
        *malformed_files.size_cases(),
        *malformed_files.name_cases(),
        *malformed_files.foreign_cases(),
        *malformed_cells.number_cases(),
        *malformed_cells.time_cases(),
        *malformed_cells.grid_cases(),
        *malformed_cells.panel_cases(),
        *malformed_cells.warning_cases(),
    ]
