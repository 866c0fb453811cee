"""What Salt needs to carry orders to its minions."""
