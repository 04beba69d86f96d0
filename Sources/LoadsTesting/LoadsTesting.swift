// LoadsTesting
