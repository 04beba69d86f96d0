// LoadsTransport
