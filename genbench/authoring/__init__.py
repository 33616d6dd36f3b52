"""The first files of somebody's own model, dataset, metric or package of these."""
