// libzmq's C interface, and what Swift cannot take from it by itself.
#ifndef LOADS_CZEROMQ_H
#define LOADS_CZEROMQ_H

#include <errno.h>
#include <string.h>
#include <zmq.h>

/// Sets an option that is an `int`. A shim so that Swift needs no pointer and size for each.
static inline int loads_zmq_set_int(void *socket, int option, int value) {
    return zmq_setsockopt(socket, option, &value, sizeof value);
}

/// Sets an option that is an `int64_t`: `ZMQ_MAXMSGSIZE`.
static inline int loads_zmq_set_int64(void *socket, int option, int64_t value) {
    return zmq_setsockopt(socket, option, &value, sizeof value);
}

/// Reads an option that is an `int`, such as `ZMQ_FD` and `ZMQ_EVENTS`; -1 when it cannot be read.
static inline int loads_zmq_get_int(void *socket, int option) {
    int value = 0;
    size_t size = sizeof value;
    return zmq_getsockopt(socket, option, &value, &size) == 0 ? value : -1;
}

#endif
