// libmsgpack's C interface, and the call of it that Swift cannot make by itself.
#ifndef LOADS_CMSGPACK_H
#define LOADS_CMSGPACK_H

#include <msgpack.h>

/// Points a packer at a growing buffer. `msgpack_packer_init` wants a C function pointer to an inline function, which
/// Swift would have to wrap for each packer.
static inline void loads_pack_into(msgpack_packer *packer, msgpack_sbuffer *buffer) {
    msgpack_packer_init(packer, buffer, msgpack_sbuffer_write);
}

#endif
