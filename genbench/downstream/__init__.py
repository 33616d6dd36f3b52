"""What a generative model is good for besides generating."""
