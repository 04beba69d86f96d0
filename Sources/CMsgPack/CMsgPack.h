// libmsgpack's C interface, and the two calls of it that Swift cannot make by itself.
#ifndef LOADS_CMSGPACK_H
#define LOADS_CMSGPACK_H

#include <msgpack.h>

/// Points a packer at a growing buffer. `msgpack_packer_init` wants a C function pointer to an inline function, which
/// Swift would have to wrap for each packer.
static inline void loads_pack_into(msgpack_packer *packer, msgpack_sbuffer *buffer) {
    msgpack_packer_init(packer, buffer, msgpack_sbuffer_write);
}

/// Unpacks exactly one object. A shim because the library's own function resumes at an offset and reports trailing
/// bytes by a code of its own: a message here is one object and nothing else.
static inline bool loads_unpack_one(msgpack_unpacked *result, const void *bytes, size_t count) {
    size_t offset = 0;
    msgpack_unpacked_init(result);
    return msgpack_unpack_next(result, (const char *)bytes, count, &offset) == MSGPACK_UNPACK_SUCCESS && offset == count;
}

#endif
