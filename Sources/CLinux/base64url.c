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

/* Fails when a bit behind the last whole byte is set, or one byte had several texts. */
static int decode_slowly(const uint8_t *in, size_t count, uint8_t *out) {
    unsigned bits = 0;
    int left = 0;
    for (; count > 0; count--) {
        int next = value(*in++);
        if (next < 0) return 0;
        bits = bits << 6 | (unsigned)next, left += 6;
        if (left >= 8) left -= 8, *out++ = (uint8_t)(bits >> left);
    }
    return left < 6 && !(bits & ((1u << left) - 1));
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

/*
 * The 12 bytes of 16 letters. `odd` gets a bit wherever a byte is no letter. What a byte may be
 * depends on its upper half: every kind of upper half has a bit, and a lower half has the bits of
 * those that it may not stand with.
 */
__attribute__((target("ssse3"))) static inline __m128i decode_16(__m128i text, __m128i *odd) {
    /* 2: only `-`. 3: digits. 4, 6: not @ and its like. 5: to Z, and _. 7: to z. Others: none. */
    __m128i uppers = _mm_setr_epi8(32, 32, 1, 2, 4, 8, 4, 16, 32, 32, 32, 32, 32, 32, 32, 32);
    __m128i lowers = _mm_setr_epi8(
        37, 33, 33, 33, 33, 33, 33, 33, 33, 33, 35, 59, 59, 58, 59, 51);
    /* From a letter to its value, by upper half; the place of _ is 13. */
    __m128i distances = _mm_setr_epi8(
        0, 0, 62 - '-', 52 - '0', -'A', -'A', 26 - 'a', 26 - 'a', 0, 0, 0, 0, 0, 63 - '_', 0, 0);
    __m128i half = _mm_set1_epi8(0x0f);
    __m128i lower = _mm_and_si128(text, half);
    __m128i upper = _mm_and_si128(_mm_srli_epi32(text, 4), half);
    *odd = _mm_or_si128(
        *odd,
        _mm_and_si128(_mm_shuffle_epi8(lowers, lower), _mm_shuffle_epi8(uppers, upper)));
    __m128i line = _mm_and_si128(_mm_cmpeq_epi8(text, _mm_set1_epi8('_')), _mm_set1_epi8(8));
    __m128i values =
        _mm_add_epi8(text, _mm_shuffle_epi8(distances, _mm_or_si128(upper, line)));
    __m128i pairs = _mm_maddubs_epi16(values, _mm_set1_epi16(0x0140));
    __m128i groups = _mm_madd_epi16(pairs, _mm_set1_epi32(0x00011000));
    __m128i order = _mm_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1);
    return _mm_shuffle_epi8(groups, order);
}

__attribute__((target("ssse3"))) static size_t encode_quickly(
    const uint8_t *bytes, size_t count, uint8_t *text) {
    size_t at = 0;
    for (; count - at >= 16; at += 12, text += 16) encode_12(bytes + at, text);
    return at;
}

/* Copies at most 16 bytes without a call. The runs do not overlap. */
static inline void copy_few(uint8_t *to, const uint8_t *from, size_t count) {
    if (count >= 8) {
        memcpy(to, from, 8), memcpy(to + count - 8, from + count - 8, 8);
    } else if (count >= 4) {
        memcpy(to, from, 4), memcpy(to + count - 4, from + count - 4, 4);
    } else {
        for (; count > 0; count--) *to++ = *from++;
    }
}

__attribute__((target("ssse3"))) static int decode_quickly(
    const uint8_t *text, size_t count, uint8_t *bytes) {
    __m128i odd = _mm_setzero_si128();
    for (; count >= 16; text += 16, bytes += 12, count -= 16) {
        __m128i made = decode_16(_mm_loadu_si128((const __m128i *)text), &odd);
        uint32_t end = (uint32_t)_mm_cvtsi128_si32(_mm_srli_si128(made, 8));
        _mm_storel_epi64((__m128i *)bytes, made);
        memcpy(bytes + 8, &end, 4);
    }
    /* Bits behind the last whole byte have to be zero, or one byte had several texts. */
    uint8_t behind = 0;
    if (count > 0) {
        /* An A is all zeros. */
        uint8_t last[16], made[16];
        _mm_storeu_si128((__m128i *)last, _mm_set1_epi8('A'));
        copy_few(last, text, count);
        __m128i all = decode_16(_mm_loadu_si128((const __m128i *)last), &odd);
        _mm_storeu_si128((__m128i *)made, all);
        size_t whole = count * 6 / 8;
        behind = count % 4 == 1 || made[whole];
        copy_few(bytes, made, whole);
    }
    __m128i none = _mm_cmpeq_epi8(odd, _mm_setzero_si128());
    return _mm_movemask_epi8(none) == 0xffff && !behind;
}

__attribute__((target("ssse3"))) static void encode_last(const uint8_t *bytes, uint8_t *text) {
    encode_12(bytes, text);
}
#else
static const int use_ssse3 = 0;
static size_t encode_quickly(const uint8_t *bytes, size_t count, uint8_t *text) { return 0; }
static int decode_quickly(const uint8_t *text, size_t count, uint8_t *bytes) { return 0; }
static void encode_last(const uint8_t *bytes, uint8_t *text) { encode_slowly(bytes, text); }
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
    return use_ssse3 ? decode_quickly(text, count, bytes) : decode_slowly(text, count, bytes);
}
