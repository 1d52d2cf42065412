"""The machine at a glance: what is asked, the facts in the answers, and the rows that show them."""
