"""How each model is trained: its networks, their settings, and the weights that combine them."""
