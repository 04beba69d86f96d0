// LoadsCore
