/* AES-256-GCM of short messages: OpenSSL's cipher and OpenSSL's GCM mode, put together by hand.

   EVP's own AES-GCM takes 250 ns and more for a message of any length, nearly all of it spent on
   finding parameters by their names. Here the blocks that the mode will ask for are known before it
   asks: counters 1 to n under the message's nonce (NIST SP 800-38D section 7.1). They go through
   the cipher in one call, and the mode (<openssl/modes.h>) takes them from there. */
#include "COpenSSLShims.h"
#include <openssl/crypto.h>
#include <openssl/modes.h>
#include <stdint.h>
#include <string.h>

enum {
    block_bytes = 16,
    nonce_bytes = 12,
    blocks_max = 1 + (WAX_SHORT_GCM_BYTES + block_bytes - 1) / block_bytes,
};

struct wax_short_gcm {
    /* Block i is counter i + 1 enciphered, `ready` of them; at first block 0 is that of zero. */
    unsigned char stream[blocks_max][block_bytes];
    /* Nonce and counter of each block; the counters are written once. */
    unsigned char counters[blocks_max][block_bytes];
    size_t ready;
    /* Whether the mode asked for a block that is not there. */
    int failed;
    EVP_CIPHER_CTX *cipher;
    GCM128_CONTEXT *mode;
};

/* The first of `count` blocks of the stream from the one with this counter. */
static const unsigned char *taken(struct wax_short_gcm *gcm, const unsigned char *counter,
                                  size_t count) {
    /* Zero enciphered is the key of GHASH, which is asked for once, at first. */
    size_t number = (size_t)counter[12] << 24 | (size_t)counter[13] << 16 |
                    (size_t)counter[14] << 8 | counter[15];
    int is_expected = gcm->mode ? number > 0 : number == 0;
    if (number > 0)
        number--;
    if (!is_expected || number + count > gcm->ready) {
        gcm->failed = 1;
        return NULL;
    }
    return gcm->stream[number];
}

static void block(const unsigned char *counter, unsigned char *output, const void *context) {
    const unsigned char *stream = taken((struct wax_short_gcm *)context, counter, 1);
    if (stream)
        memcpy(output, stream, block_bytes);
    else
        memset(output, 0, block_bytes);
}

static void blocks(const unsigned char *input, unsigned char *output, size_t count,
                   const void *context, const unsigned char *counter) {
    const unsigned char *stream = taken((struct wax_short_gcm *)context, counter, count);
    if (!stream)
        return;
    for (size_t at = 0; at < count * block_bytes; at += sizeof(uint64_t)) {
        uint64_t word, mask;
        memcpy(&word, input + at, sizeof word);
        memcpy(&mask, stream + at, sizeof mask);
        word ^= mask;
        memcpy(output + at, &word, sizeof word);
    }
}

static int encipher(struct wax_short_gcm *gcm, size_t count) {
    int written = 0, bytes = (int)(count * block_bytes);
    gcm->failed = 0;
    gcm->ready = count;
    return EVP_EncryptUpdate(gcm->cipher, gcm->stream[0], &written, gcm->counters[0], bytes) == 1 &&
           written == bytes;
}

wax_short_gcm *wax_short_gcm_new(const EVP_CIPHER *ecb, const void *key) {
    wax_short_gcm *gcm = OPENSSL_zalloc(sizeof *gcm);
    if (!gcm)
        return NULL;
    gcm->cipher = EVP_CIPHER_CTX_new();
    if (gcm->cipher && EVP_EncryptInit_ex(gcm->cipher, ecb, NULL, key, NULL) == 1 &&
        EVP_CIPHER_CTX_set_padding(gcm->cipher, 0) == 1 && encipher(gcm, 1)) {
        gcm->mode = CRYPTO_gcm128_new(gcm, block);
        for (size_t number = 1; number <= blocks_max; number++) {
            gcm->counters[number - 1][14] = (unsigned char)(number >> 8);
            gcm->counters[number - 1][15] = (unsigned char)number;
        }
    }
    if (!gcm->mode || gcm->failed) {
        wax_short_gcm_free(gcm);
        return NULL;
    }
    return gcm;
}

void wax_short_gcm_free(wax_short_gcm *gcm) {
    if (!gcm)
        return;
    CRYPTO_gcm128_release(gcm->mode);
    EVP_CIPHER_CTX_free(gcm->cipher);
    OPENSSL_clear_free(gcm, sizeof *gcm);
}

static int begin(wax_short_gcm *gcm, const void *nonce, const void *aad, size_t aad_count,
                 size_t count) {
    if (count > WAX_SHORT_GCM_BYTES)
        return 0;
    size_t needed = 1 + (count + block_bytes - 1) / block_bytes;
    for (size_t at = 0; at < needed; at++)
        memcpy(gcm->counters[at], nonce, nonce_bytes);
    if (!encipher(gcm, needed))
        return 0;
    CRYPTO_gcm128_setiv(gcm->mode, nonce, nonce_bytes);
    return aad_count == 0 || CRYPTO_gcm128_aad(gcm->mode, aad, aad_count) == 0;
}

int wax_short_gcm_seal(wax_short_gcm *gcm, const void *nonce, const void *aad, size_t aad_count,
                       const void *plaintext, size_t count, void *output) {
    if (!begin(gcm, nonce, aad, aad_count, count))
        return 0;
    if (count > 0 && CRYPTO_gcm128_encrypt_ctr32(gcm->mode, plaintext, output, count, blocks) != 0)
        return 0;
    CRYPTO_gcm128_tag(gcm->mode, (unsigned char *)output + count, block_bytes);
    return !gcm->failed;
}

int wax_short_gcm_open(wax_short_gcm *gcm, const void *nonce, const void *aad, size_t aad_count,
                       const void *ciphertext, size_t count, void *output) {
    if (!begin(gcm, nonce, aad, aad_count, count))
        return 0;
    if (count > 0 && CRYPTO_gcm128_decrypt_ctr32(gcm->mode, ciphertext, output, count, blocks) != 0)
        return 0;
    const unsigned char *tag = (const unsigned char *)ciphertext + count;
    return CRYPTO_gcm128_finish(gcm->mode, tag, block_bytes) == 0 && !gcm->failed;
}
