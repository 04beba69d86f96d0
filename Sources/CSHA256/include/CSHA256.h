// SHA-256 (FIPS 180-4), the address of the files that are shipped to agents. In C, because a debug build of Swift is
// fifty times slower at it, and because a library for one function is a library more to install.
#ifndef LOADS_CSHA256_H
#define LOADS_CSHA256_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint32_t state[8];
    uint64_t count;
    uint8_t block[64];
} loads_sha256;

void loads_sha256_start(loads_sha256 *hash);
void loads_sha256_add(loads_sha256 *hash, const void *bytes, size_t count);
/// Writes the 32 bytes of the digest. The hash must be started anew before it is used again.
void loads_sha256_end(loads_sha256 *hash, uint8_t digest[32]);

#endif
