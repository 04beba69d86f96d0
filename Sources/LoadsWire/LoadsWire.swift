// LoadsWire
