// LoadsMaster
