"""The shipping service: prepares shipments, announces them as `ShipmentPrepared`."""
