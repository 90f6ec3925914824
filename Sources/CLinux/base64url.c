/* Base64url without padding (RFC 4648 section 5), 12 bytes and 16 letters at once. */
#include "CLinux.h"
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void encode_slowly(const uint8_t *bytes, uint8_t *out) {
    for (int group = 0; group < 4; group++, bytes += 3, out += 4) {
        uint32_t bits = (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 8 | bytes[2];
        for (int place = 0; place < 4; place++)
            out[place] = (uint8_t)letters[bits >> (18 - 6 * place) & 0x3f];
    }
}

static int value(uint8_t letter) {
    if (letter >= 'A' && letter <= 'Z') return letter - 'A';
    if (letter >= 'a' && letter <= 'z') return letter - 'a' + 26;
    if (letter >= '0' && letter <= '9') return letter - '0' + 52;
    return letter == '-' ? 62 : letter == '_' ? 63 : -1;
}

static int decode_slowly(const uint8_t *in, uint8_t *out) {
    for (int group = 0; group < 4; group++, in += 4, out += 3) {
        int bits = 0;
        for (int place = 0; place < 4; place++) {
            int next = value(in[place]);
            if (next < 0) return 0;
            bits = bits << 6 | next;
        }
        out[0] = (uint8_t)(bits >> 16), out[1] = (uint8_t)(bits >> 8), out[2] = (uint8_t)bits;
    }
    return 1;
}

#if defined(__x86_64__)
static int use_ssse3;

__attribute__((constructor)) static void choose(void) {
    __builtin_cpu_init();
    use_ssse3 = __builtin_cpu_supports("ssse3") ? 1 : 0;
}

/* Reads 16 bytes, of which 12 count. */
__attribute__((target("ssse3"))) static inline void encode_12(const uint8_t *bytes, uint8_t *out) {
    /* Each group of three bytes to one of four, so that the bits of each letter lie in 16. */
    __m128i order = _mm_setr_epi8(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10);
    __m128i groups = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)bytes), order);
    __m128i even = _mm_mulhi_epu16(
        _mm_and_si128(groups, _mm_set1_epi32(0x0fc0fc00)), _mm_set1_epi32(0x04000040));
    __m128i odd = _mm_mullo_epi16(
        _mm_and_si128(groups, _mm_set1_epi32(0x003f03f0)), _mm_set1_epi32(0x01000010));
    __m128i values = _mm_or_si128(even, odd);
    /* 0 for a to z, 1 to 10 for the digits, 11 and 12 for - and _, 13 for A to Z. */
    __m128i kind = _mm_subs_epu8(values, _mm_set1_epi8(51));
    __m128i upper = _mm_cmplt_epi8(values, _mm_set1_epi8(26));
    kind = _mm_or_si128(kind, _mm_and_si128(upper, _mm_set1_epi8(13)));
    __m128i distance = _mm_setr_epi8(
        'a' - 26, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52,
        '0' - 52, '0' - 52, '-' - 62, '_' - 63, 'A', 0, 0);
    __m128i text = _mm_add_epi8(values, _mm_shuffle_epi8(distance, kind));
    _mm_storeu_si128((__m128i *)out, text);
}

/* All ones in each byte from `first` to `last`; bytes from 0x80 are negative, and in no run. */
__attribute__((target("ssse3"))) static inline __m128i run(__m128i text, char first, char last) {
    return _mm_and_si128(
        _mm_cmpgt_epi8(text, _mm_set1_epi8((char)(first - 1))),
        _mm_cmplt_epi8(text, _mm_set1_epi8((char)(last + 1))));
}

/* Writes 16 bytes, of which 12 count. */
__attribute__((target("ssse3"))) static inline int decode_16(const uint8_t *in, uint8_t *out) {
    __m128i text = _mm_loadu_si128((const __m128i *)in);
    __m128i upper = run(text, 'A', 'Z'), lower = run(text, 'a', 'z'), digit = run(text, '0', '9');
    __m128i minus = _mm_cmpeq_epi8(text, _mm_set1_epi8('-'));
    __m128i line = _mm_cmpeq_epi8(text, _mm_set1_epi8('_'));
    __m128i known = _mm_or_si128(
        _mm_or_si128(upper, lower), _mm_or_si128(digit, _mm_or_si128(minus, line)));
    __m128i distance = _mm_or_si128(
        _mm_or_si128(
            _mm_and_si128(upper, _mm_set1_epi8(-'A')),
            _mm_and_si128(lower, _mm_set1_epi8(26 - 'a'))),
        _mm_or_si128(
            _mm_and_si128(digit, _mm_set1_epi8(52 - '0')),
            _mm_or_si128(
                _mm_and_si128(minus, _mm_set1_epi8(62 - '-')),
                _mm_and_si128(line, _mm_set1_epi8(63 - '_')))));
    __m128i values = _mm_add_epi8(text, distance);
    __m128i pairs = _mm_maddubs_epi16(values, _mm_set1_epi16(0x0140));
    __m128i groups = _mm_madd_epi16(pairs, _mm_set1_epi32(0x00011000));
    __m128i order = _mm_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1);
    _mm_storeu_si128((__m128i *)out, _mm_shuffle_epi8(groups, order));
    return _mm_movemask_epi8(known) == 0xffff;
}

__attribute__((target("ssse3"))) static size_t encode_quickly(
    const uint8_t *bytes, size_t count, uint8_t *text) {
    size_t at = 0;
    for (; count - at >= 16; at += 12, text += 16) encode_12(bytes + at, text);
    return at;
}

__attribute__((target("ssse3"))) static size_t decode_quickly(
    const uint8_t *text, size_t count, uint8_t *bytes) {
    size_t at = 0;
    for (; count - at >= 24; at += 16, bytes += 12)
        if (!decode_16(text + at, bytes)) break;
    return at;
}

__attribute__((target("ssse3"))) static void encode_last(const uint8_t *bytes, uint8_t *text) {
    encode_12(bytes, text);
}

__attribute__((target("ssse3"))) static int decode_last(const uint8_t *text, uint8_t *bytes) {
    return decode_16(text, bytes);
}
#else
static const int use_ssse3 = 0;
static size_t encode_quickly(const uint8_t *bytes, size_t count, uint8_t *text) { return 0; }
static size_t decode_quickly(const uint8_t *text, size_t count, uint8_t *bytes) { return 0; }
static void encode_last(const uint8_t *bytes, uint8_t *text) { encode_slowly(bytes, text); }
static int decode_last(const uint8_t *text, uint8_t *bytes) { return decode_slowly(text, bytes); }
#endif

void wax_base64url_encode(const void *bytes, size_t count, void *text) {
    const uint8_t *from = bytes;
    uint8_t *to = text;
    size_t done = use_ssse3 ? encode_quickly(from, count, to) : 0;
    from += done, to += done / 3 * 4, count -= done;
    while (count > 0) {
        uint8_t last[16] = {0}, made[16];
        size_t few = count < 12 ? count : 12;
        memcpy(last, from, few);
        if (use_ssse3)
            encode_last(last, made);
        else
            encode_slowly(last, made);
        memcpy(to, made, (few * 8 + 5) / 6);
        from += few, to += 16, count -= few;
    }
}

int wax_base64url_decode(const void *text, size_t count, void *bytes) {
    const uint8_t *from = text;
    uint8_t *to = bytes;
    size_t done = use_ssse3 ? decode_quickly(from, count, to) : 0;
    from += done, to += done / 4 * 3, count -= done;
    while (count > 0) {
        uint8_t last[16], made[16];
        size_t few = count < 16 ? count : 16;
        memset(last, 'A', sizeof last);
        memcpy(last, from, few);
        if (!(use_ssse3 ? decode_last(last, made) : decode_slowly(last, made))) return 0;
        size_t whole = few * 6 / 8;
        /* Bits behind the last whole byte have to be zero, or one byte had several texts. */
        if (few % 4 == 1 || (few % 4 && made[whole])) return 0;
        memcpy(to, made, whole);
        from += few, to += 12, count -= few;
    }
    return 1;
}
