/* COpenSSLShims: what of OpenSSL Swift cannot call by itself, or not fast enough; no policy. */
#ifndef WAXWING_COPENSSLSHIMS_H
#define WAXWING_COPENSSLSHIMS_H

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stddef.h>

/* AES-GCM with a 12-byte IV and a 16-byte tag, message after message. A new initialisation
   (EVP_EncryptInit_ex) for each costs a third of sealing 100 bytes, nearly all of it the comparing
   of parameter names. OpenSSL has a shorter way, made for TLS and SSH: the context keeps an IV
   whose last 8 bytes it counts up itself, and gives out the one that it is about to use. */

/* Sets the IV that comes next, all 12 bytes of it: a fixed part of length -1. */
static inline int wax_gcm_set_iv(EVP_CIPHER_CTX *context, void *iv) {
    OSSL_PARAM parameters[2] = {
        OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TLS1_IV_FIXED, iv, (size_t)-1),
        OSSL_PARAM_END};
    return EVP_CIPHER_CTX_set_params(context, parameters);
}

/* Begins a message under the next IV, which is written to `iv`. */
static inline int wax_gcm_begin(EVP_CIPHER_CTX *context, void *iv) {
    OSSL_PARAM parameters[2] = {
        OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TLS1_GET_IV_GEN, iv, 12), OSSL_PARAM_END};
    return EVP_CIPHER_CTX_get_params(context, parameters);
}

/* Takes the tag of the message that was ended, and begins the next one as wax_gcm_begin does. */
static inline int wax_gcm_tag_and_begin(EVP_CIPHER_CTX *context, void *tag, void *iv) {
    OSSL_PARAM parameters[3] = {
        OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, 16),
        OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TLS1_GET_IV_GEN, iv, 12), OSSL_PARAM_END};
    return EVP_CIPHER_CTX_get_params(context, parameters);
}

/* Begins to open a message: its IV, and the tag to compare with. Both are only read. */
static inline int wax_gcm_begin_open(EVP_CIPHER_CTX *context, void *iv, void *tag) {
    OSSL_PARAM parameters[3] = {
        OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, 16),
        OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TLS1_SET_IV_INV, iv, 12), OSSL_PARAM_END};
    return EVP_CIPHER_CTX_set_params(context, parameters);
}

/* AES-256-GCM with a 12-byte nonce and a 16-byte tag for messages of at most so many bytes; above,
   EVP's own is as fast. Nothing is allocated per message. */
#define WAX_SHORT_GCM_BYTES 512
typedef struct wax_short_gcm wax_short_gcm;

/* `ecb` is AES-256-ECB, the key has 32 bytes and is copied. NULL when failing. */
wax_short_gcm *wax_short_gcm_new(const EVP_CIPHER *ecb, const void *key);
/* Zeroes all that it held. */
void wax_short_gcm_free(wax_short_gcm *gcm);
/* Writes `count` bytes of ciphertext and the tag. Returns 1, or 0 when failing. */
int wax_short_gcm_seal(wax_short_gcm *gcm, const void *nonce, const void *aad, size_t aad_count,
                       const void *plaintext, size_t count, void *output);
/* Reads `count` bytes of ciphertext and the tag behind it, and writes `count` bytes, which are the
   plaintext only when 1 is returned. */
int wax_short_gcm_open(wax_short_gcm *gcm, const void *nonce, const void *aad, size_t aad_count,
                       const void *ciphertext, size_t count, void *output);

/* SHA-256 over a state of the caller, aligned as the heap does. All return 1, or 0 when failing. */
#define WAX_SHA256_BYTES 112
int wax_sha256_begin(void *state);
int wax_sha256_add(void *state, const void *bytes, size_t count);
/* Writes 32 bytes. The state has to be begun anew. */
int wax_sha256_end(void *state, void *digest);

static inline void wax_evp_allow_wrap(EVP_CIPHER_CTX *context) {
    EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
}

#endif
