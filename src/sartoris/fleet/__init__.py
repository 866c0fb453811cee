"""The targets of one slot: sending them orders, deciding at the gate, what they should have."""
