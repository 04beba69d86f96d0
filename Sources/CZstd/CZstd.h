// Zstandard.
#ifndef LOADS_CZSTD_H
#define LOADS_CZSTD_H

#include <zstd.h>

#endif
