"""The reconciler: announce an order again that stands still."""
