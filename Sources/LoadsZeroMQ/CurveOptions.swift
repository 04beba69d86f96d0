import CZeroMQ

extension PeerKeys {
    /// Makes a socket use the keys. Whether libzmq took them.
    func apply(to handle: UnsafeMutableRawPointer) -> Bool {
        setKey(handle, ZMQ_CURVE_SERVERKEY, master) && setKey(handle, ZMQ_CURVE_PUBLICKEY, own.publicKey)
            && setKey(handle, ZMQ_CURVE_SECRETKEY, own.secretKey)
    }
}

extension MasterKeys {
    /// Makes a socket let in those only whom the authenticator lets in.
    func apply(to handle: UnsafeMutableRawPointer, domain: String) -> Bool {
        loads_zmq_set_int(handle, ZMQ_CURVE_SERVER, 1) == 0 && setKey(handle, ZMQ_CURVE_SECRETKEY, own.secretKey)
            && zmq_setsockopt(handle, ZMQ_ZAP_DOMAIN, domain, domain.utf8.count) == 0
    }
}

/// Sets a key as Z85 text with its closing zero.
private func setKey(_ handle: UnsafeMutableRawPointer, _ option: Int32, _ key: String) -> Bool {
    zmq_setsockopt(handle, option, key, 41) == 0
}
