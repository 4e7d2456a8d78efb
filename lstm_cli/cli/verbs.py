"""Commands of `lstm`, each with the first line of its help."""

# A copy of the first line of each verb's help, so that `lstm --help` imports no verb. A test compares the two.
VERBS = {
    "check": "Inspect a CSV or Parquet file and report problems.",
    "prepare": "Convert a CSV or Parquet file into a run directory.",
    "train": "Train a model on the data of a run.",
    "tune": "Search hyperparameters and keep the best model.",
    "evaluate": "Score a trained model against baselines.",
    "quantize": "Make a smaller model and compare it with the trained one.",
    "predict": "Forecast the steps after the last row.",
    "serve": "Serve the forecasts or the classes of a model over HTTP.",
    "score": "Score recorded forecasts against what came true.",
    "export": "Export the model or its windows for another program.",
    "report": "Write a page that shows what a model can do.",
    "refresh": "Add new rows, retrain if it pays, and forecast.",
    "runs": "Show a run, or list, compare and clean the runs in a folder.",
    "verify": "Check all files of a run and name the command that repairs it.",
    "history": "List the models of a run, and roll back to an earlier one.",
    "config": "Show the settings of a run and their sources.",
}
COMMON_PANEL = "Common options"  # of all verbs
