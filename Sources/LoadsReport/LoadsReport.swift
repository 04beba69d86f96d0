// LoadsReport
