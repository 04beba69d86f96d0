// LoadsSession
