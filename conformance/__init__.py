"""Black-box proof of Waxwing with real brokers and real clients."""
