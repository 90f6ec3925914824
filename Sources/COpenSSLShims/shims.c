/* SHA-256 by the calls that OpenSSL 3 would rather not have: its own way, EVP_MD_CTX, takes the
   state of every message from the heap. These are the functions that it ends up in. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "COpenSSLShims.h"
#include <openssl/sha.h>

_Static_assert(sizeof(SHA256_CTX) <= WAX_SHA256_BYTES, "the state of SHA-256 has grown");

int wax_sha256_begin(void *state) { return SHA256_Init(state); }

int wax_sha256_add(void *state, const void *bytes, size_t count) {
    return SHA256_Update(state, bytes, count);
}

int wax_sha256_end(void *state, void *digest) { return SHA256_Final(digest, state); }
