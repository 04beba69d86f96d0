// zlib, with shims for its macros: Swift does not see function-like macros.
#ifndef LOADS_CZLIB_H
#define LOADS_CZLIB_H

#include <zlib.h>

/// `inflateInit2` is a macro that adds the library's version and the size of the structure.
static inline int loads_inflate_init(z_stream *stream, int window_bits) {
    return inflateInit2(stream, window_bits);
}

/// `deflateInit2` is such a macro too; the tests make their compressed bodies with it.
static inline int loads_deflate_init(z_stream *stream, int window_bits) {
    return deflateInit2(stream, 6, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY);
}

#endif
