// Brotli's decoder.
#ifndef LOADS_CBROTLI_H
#define LOADS_CBROTLI_H

#include <brotli/decode.h>

#endif
