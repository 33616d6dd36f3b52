"""From stored trials to a table: scores, leaderboards, rankings, comparisons."""
