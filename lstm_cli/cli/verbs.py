"""The commands of `lstm`, each with the first line of its help."""

# The first line of each verb's help, once more, so that `lstm --help` loads no verb (a test compares them).
VERBS = {
    "check": "Look at a table of measurements, and tell what is in it and what is wrong with it.",
    "prepare": "Read a table of measurements and make a run directory of it.",
    "train": "Train a model on the data of a run.",
    "tune": "Search the settings of train, and make the best the run's model.",
    "evaluate": "Score a trained model beside the simple forecasts.",
    "quantize": "Make a smaller model and compare it with the trained one.",
    "predict": "Forecast the steps after the last row.",
    "export": "Write the model or its windows as a file for another program.",
    "verify": "Check every file of a run, and name the command that mends it.",
    "config": "Show the settings of a run and where each came from.",
}
COMMON = "All commands"  # the panel of the options that every verb has
