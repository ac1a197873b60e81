"""Trial of other people's configurations, in PocketCoffea and here."""
