"""The shipping service: prepares shipments, and publishes `ShipmentPrepared`."""
