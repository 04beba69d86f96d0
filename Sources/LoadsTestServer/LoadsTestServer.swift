// LoadsTestServer
