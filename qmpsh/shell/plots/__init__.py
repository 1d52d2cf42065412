"""Numbers of a query's reply over time."""
