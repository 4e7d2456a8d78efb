"""Cells of numbers for tests: missing values and invalid cells."""

MISSING = [
    "",
    " ",
    "NA",
    " NA ",
    "N/A",
    "n/a",
    "#N/A",
    "-",
    "null",
    "NULL",
    "None",
    "NaN",
    "nan",
    "<NA>",
    "NaT",
]

REFUSED: list[tuple[str, list[str], list[str]]] = [  # kind, words of its message and hint, cells
    ("a missing value", ["missing value?", "NA", "--na-value"],
     ["--", "\\N", ".", "?", "*", "...", "missing", "n.a.", "k.A."]),
    ("a failed formula", ["failed", "NA", "--na-value"], ["#DIV/0!", "#REF!", "#NAME?"]),
    ("a unit", ["a unit?", "--units", "remove the unit"],
     ["5 MW", "5 kWh", "5kWh", "21°C", "5 km/h", "5m", "$5", "€5", "5 €", "5€", "£5", "USD 5", "R$5", "5 kr", "Rs. 5",
      "1d5", "1e"]),
    ("a comma", ["decimal comma"], ["1,5", "1,234", "1,234.5", "1.234,5", "12,5", "1,5e3", "1,23,456"]),
    ("thousands", ["thousands separators", "--thousands"],
     ["1 000", "1 234", "1\u00a0234", "1\u202f234", "1'000", "1'234", "1\u2019234", "1_000", "1_234", "1.234.567"]),
    ("percent", ["percent sign", "--units"], ["5%", "12%", "5 %", "5\uff05"]),
    ("accounting", ["accounting", "write it as -5"], ["(5)", "5-"]),
    ("another minus sign", ["minus sign", "'-'"], ["\u22125"]),
    ("infinity", ["infinity", "--na-value"], ["inf", "-Infinity", "∞"]),
    ("too large", ["too large", "1.8e308"], ["1e400", "4e492493924924", "-1e309"]),
    ("not a number", ["is not a plain number"],
     ["x", "TRUE", "0x1F", "0x10", "--5", "5-3", "e5", "=5", "=SUM(A1)", "<5", "~5", "5*", "1.2.3", "1 2", "12:30",
      "1/2", "2020-01-01", "2021-01-05", "'5", "\uff15", "\uff11\uff12", "٣", "١٢", "\u200b5"]),
]  # fmt: skip
