"""The first files of a user's own model, dataset, metric or package."""
