// LoadsRunner
