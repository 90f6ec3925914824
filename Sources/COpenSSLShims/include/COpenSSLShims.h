/* COpenSSLShims: OpenSSL macros that Swift cannot see, one function each; no policy. */
#ifndef WAXWING_COPENSSLSHIMS_H
#define WAXWING_COPENSSLSHIMS_H

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

/* The parameter form: the control call (EVP_CTRL_AEAD_GET_TAG) does the same by way of a
   parameter list that it builds anew, a tenth of the cost of sealing 100 bytes. */
static inline int wax_evp_get_tag(EVP_CIPHER_CTX *context, size_t count, void *tag) {
    OSSL_PARAM parameters[2] = {
        OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, count), OSSL_PARAM_END};
    return EVP_CIPHER_CTX_get_params(context, parameters);
}

/* Sets the nonce and the expected tag of the next message in one call. The tag is only read. */
static inline int wax_evp_decrypt_init(
    EVP_CIPHER_CTX *context, const unsigned char *iv, size_t count, void *tag) {
    OSSL_PARAM parameters[2] = {
        OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, count), OSSL_PARAM_END};
    return EVP_DecryptInit_ex2(context, NULL, NULL, iv, parameters);
}

static inline void wax_evp_allow_wrap(EVP_CIPHER_CTX *context) {
    EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
}

#endif
