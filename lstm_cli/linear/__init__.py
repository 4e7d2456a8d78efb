"""The linear forecast, many linear maps averaged into one: `forecast` applies it, `ensemble` fits it."""
