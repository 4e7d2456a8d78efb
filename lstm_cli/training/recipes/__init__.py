"""Recipes of the models: their networks, the hyperparameters, and the weights that combine the parts."""
