// LoadsAgent
