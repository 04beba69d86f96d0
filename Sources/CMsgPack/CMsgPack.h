// libmsgpack. Packing is done by its inline functions over a growing buffer; unpacking makes a tree in a zone.
#ifndef LOADS_CMSGPACK_H
#define LOADS_CMSGPACK_H

#include <msgpack.h>

/// A packer that writes to a buffer: the pair that `msgpack_packer_init` wires with a function pointer, which Swift
/// cannot form from an inline function.
static inline void loads_packer_init(msgpack_packer *packer, msgpack_sbuffer *buffer) {
    msgpack_sbuffer_init(buffer);
    msgpack_packer_init(packer, buffer, msgpack_sbuffer_write);
}

/// Members of `msgpack_object`'s unnamed union, by type.
static inline uint64_t loads_object_uint(const msgpack_object *object) { return object->via.u64; }
static inline int64_t loads_object_int(const msgpack_object *object) { return object->via.i64; }
static inline double loads_object_double(const msgpack_object *object) { return object->via.f64; }
static inline bool loads_object_bool(const msgpack_object *object) { return object->via.boolean; }
static inline const char *loads_object_bytes(const msgpack_object *object, size_t *count) {
    *count = object->type == MSGPACK_OBJECT_BIN ? object->via.bin.size : object->via.str.size;
    return object->type == MSGPACK_OBJECT_BIN ? object->via.bin.ptr : object->via.str.ptr;
}
static inline uint32_t loads_object_count(const msgpack_object *object) { return object->via.array.size; }
static inline const msgpack_object *loads_object_element(const msgpack_object *object, uint32_t index) {
    return &object->via.array.ptr[index];
}
static inline const msgpack_object *loads_object_key(const msgpack_object *object, uint32_t index) {
    return &object->via.map.ptr[index].key;
}
static inline const msgpack_object *loads_object_value(const msgpack_object *object, uint32_t index) {
    return &object->via.map.ptr[index].val;
}

#endif
