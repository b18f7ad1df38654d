"""What the notebooks draw: a journey, the stock, latencies."""
