"""Published figures with their sources."""

HORIZONS = (96, 192, 336, 720)

# Test MSE/MAE in scaled units, 8640/2880/2880 rows, 7 channels; only MSE if MAE is not published.
ETTH1 = {
    "SegRNN, L=96 (Lin et al. 2023)": (".368/.395", ".408/.419", ".444/.440", ".446/.457"),
    "SegRNN, L=720 (Lin et al. 2023)": (".351/.392", ".392/.414", ".423/.433", ".466/.472"),
    "iTransformer, L=96 (Liu et al. 2024; MSE)": (".386", ".441", ".487", ".503"),
    "PatchTST, L=96 (in Liu et al. 2024; MSE)": (".414", ".460", ".501", ".500"),
    "DLinear, L=96 (in Liu et al. 2024; MSE)": (".386", ".437", ".481", ".519"),
    "CARD (Wang et al. 2024)": (".368/.396", ".406/.418", ".415/.424", ".416/.448"),
    "TimeMixer, searched (Wang et al. 2024)": (".361/.390", ".409/.414", ".430/.429", ".445/.460"),
    "xPatch (Stitsyuk and Choi 2025; MSE; leaves out the last test batch)": (".354", ".376", ".391", ".442"),
}

# sMAPE, MASE and OWA on the 414 hourly series, from the tables of the competition (Makridakis et al. 2020).
M4_HOURLY = {
    "Naive2": ("18.383", "2.395", "1.000"),
    "seasonal naive": ("13.912", "1.193", ".627"),
    "the competition's RNN": ("14.698", "3.048", "1.036"),
    "Smyl, the winner": ("9.328", ".893", ".440"),
    "Doornik, the best on hourly series": ("8.913", ".801", ".410"),
}
