/* What all loops over JSON do. A text has zeros behind its end. */
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

/* The first mark at `at` or behind it in the window; SIZE_MAX when there is none, or `at` is not
   in the window. */
static inline size_t known_mark(const wax_text_window *window, size_t at) {
    size_t place = at - window->start;
    if (at < window->start || place >= window->length)
        return SIZE_MAX;
    size_t word = place / 64, last = (window->length - 1) / 64;
    uint64_t bits = window->words[word] & ~(uint64_t)0 << (place % 64);
    while (bits == 0 && word < last)
        bits = window->words[++word];
    if (bits == 0)
        return SIZE_MAX;
    place = word * 64 + (size_t)__builtin_ctzll(bits);
    /* Behind what is known all bits are set. */
    return place < window->length ? window->start + place : SIZE_MAX;
}

/* Behind the literal whose bytes are in `word`; 0 when it is none. */
static inline size_t behind_literal(uint64_t word, size_t at) {
    uint32_t four = (uint32_t)word;
    if (four == 0x65757274 || four == 0x6c6c756e) /* "true", "null" */
        return at + 4;
    return (word & 0xffffffffff) == 0x65736c6166 ? at + 5 : 0; /* "false" */
}

/* Behind the number that begins at `at` with these bytes when it is short, has neither sign nor
   exponent, and does not begin with a zero; else 0. */
static inline size_t behind_short_number(uint64_t word, size_t at) {
    const uint64_t ones = 0x0101010101010101;
    uint64_t values = word ^ ones * 0x30;
    /* The highest bit of each byte that is no digit. */
    uint64_t others = (((values & ones * 0x7f) + ones * 0x76) | values) & ones * 0x80;
    if (others == 0 || others & 0x80 || (word & 0xff) == '0')
        return 0;
    unsigned place = (unsigned)__builtin_ctzll(others) & ~7u;
    if ((word >> place & 0xff) == '.') {
        unsigned digits = place + 8;
        others &= others - 1;
        if (others == 0)
            return 0;
        place = (unsigned)__builtin_ctzll(others) & ~7u;
        if (place == digits)
            return 0;
    }
    uint8_t next = (uint8_t)(word >> place);
    return (next | 0x20) == 'e' || next == '.' ? 0 : at + place / 8;
}

static __attribute__((noinline, unused)) size_t behind_long_number(
    const uint8_t *text, size_t count, size_t at) {
    wax_json_token number = wax_json_number(text, count, at);
    return number.fault ? 0 : number.end;
}

/* Behind the number that begins at `at` with a digit or a minus sign; 0 when it is none. */
static inline size_t behind_number(const uint8_t *text, size_t count, size_t at) {
    size_t end = behind_short_number(word_at(text, count, at), at);
    return end ? end : behind_long_number(text, count, at);
}

/* Whether a string's first bytes, the first in the lowest bits, are `wax1:`. */
static inline int is_seal_mark(uint64_t bytes) { return (bytes & 0xffffffffff) == 0x3a31786177; }

/* Whether that may be spelled with escapes in a string whose text begins at `start`. */
static inline int may_be_spelled_mark(
    const uint8_t *text, size_t count, size_t start, wax_json_token string) {
    uint8_t letter = byte_at(text, count, start);
    return string.has_escapes && (letter == 'w' || letter == '\\');
}

#endif
