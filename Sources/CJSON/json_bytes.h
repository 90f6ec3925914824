/* Bytes of a text, which has zeros behind its end. */
#ifndef WAXWING_JSON_BYTES_H
#define WAXWING_JSON_BYTES_H

#include "CJSON.h"
#include <string.h>

/* No token holds a zero. */
static inline uint8_t byte_at(const uint8_t *text, size_t count, size_t at) {
    return at < count ? text[at] : 0;
}

/* Out of the way of the loops that have many words to read. */
static __attribute__((noinline, unused)) uint64_t last_word(
    const uint8_t *text, size_t count, size_t at) {
    uint64_t word = 0;
    for (size_t place = 0; place < 8 && at + place < count; place++)
        word |= (uint64_t)text[at + place] << (8 * place);
    return word;
}

/* The eight bytes at `at`, the first in the lowest bits. */
static inline uint64_t word_at(const uint8_t *text, size_t count, size_t at) {
    if (at + 8 > count)
        return last_word(text, count, at);
    uint64_t word;
    memcpy(&word, text + at, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

static inline int is_digit(uint8_t byte) { return (uint8_t)(byte - '0') < 10; }

static inline int is_space(uint8_t byte) {
    return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

/* Behind the literal whose bytes are in `word`; 0 when it is none. */
static inline size_t behind_literal(uint64_t word, size_t at) {
    uint32_t four = (uint32_t)word;
    if (four == 0x65757274 || four == 0x6c6c756e) /* "true", "null" */
        return at + 4;
    return (word & 0xffffffffff) == 0x65736c6166 ? at + 5 : 0; /* "false" */
}

#endif
