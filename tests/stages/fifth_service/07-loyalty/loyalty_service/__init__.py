"""The loyalty service: awards points for shipped orders and publishes `PointsAwarded`."""
