/* COpenSSLShims: OpenSSL macros that Swift cannot see, one function each; no policy. */
#ifndef WAXWING_COPENSSLSHIMS_H
#define WAXWING_COPENSSLSHIMS_H

#include <openssl/evp.h>

static inline int wax_evp_get_tag(EVP_CIPHER_CTX *context, int count, void *tag) {
    return EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, count, tag);
}

static inline int wax_evp_set_tag(EVP_CIPHER_CTX *context, int count, void *tag) {
    return EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, count, tag);
}

static inline void wax_evp_allow_wrap(EVP_CIPHER_CTX *context) {
    EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
}

#endif
