"""What every function of the order flow shares: the contract, the step, the way to publish."""
