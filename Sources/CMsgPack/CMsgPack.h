#ifndef LOADS_CMSGPACK_H
#define LOADS_CMSGPACK_H

#include <msgpack.h>

#endif
