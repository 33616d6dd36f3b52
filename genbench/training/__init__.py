"""How a torch model is trained."""
