"""Linear forecast, an average of many linear maps: `model` applies it, `ensemble` fits it."""
