"""How much two identical servers differ on this machine."""
