"""From records to a table: scores, leaderboards, rankings, comparisons."""
