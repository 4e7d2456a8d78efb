"""Sample paths of a forecast: its quantiles, and the dependence between steps and targets."""
