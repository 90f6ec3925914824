/* CRC-32C three ways: by carry-less multiplication, by the processor's CRC instruction, by table.

   The CRC instruction takes one operation per cycle but three cycles of latency, so one chain uses
   a third of it. Three lanes of equal length run side by side; the first two are then moved past
   the bytes that follow them (multiplied by x^(8*length) modulo the polynomial) by table. */
#include "CLinux.h"
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define POLYNOMIAL 0x82f63b78u /* reflected 0x1edc6f41 */
#define LONG_LANE 2048u
#define SHORT_LANE 256u

static uint32_t byte_table[8][256];
static uint32_t long_shift[4][256];
static uint32_t short_shift[4][256];
static int use_hardware;
static int use_folding;
/* Constants that move 128 bits past the 128, or the 1024, bits that follow: for the low half
   x^(distance+32), for the high half x^(distance-32), shifted by one as reflected bits need it. */
static uint64_t fold_one[2];
static uint64_t fold_eight[2];

/* a*b modulo the polynomial, both reflected: bit 31 is x^0. */
static uint32_t multiply(uint32_t a, uint32_t b) {
    uint32_t product = 0;
    for (uint32_t bit = 0x80000000u; bit; bit >>= 1) {
        if (a & bit) product ^= b;
        b = (b & 1) ? (b >> 1) ^ POLYNOMIAL : b >> 1;
    }
    return product;
}

/* x^exponent modulo the polynomial. */
static uint32_t power(uint64_t exponent) {
    uint32_t factor = 0x80000000u, square = 0x40000000u; /* x^0, x^1 */
    for (; exponent; exponent >>= 1) {
        if (exponent & 1) factor = multiply(factor, square);
        square = multiply(square, square);
    }
    return factor;
}

static void make_shift(uint32_t table[4][256], uint32_t bytes) {
    uint32_t factor = power((uint64_t)bytes * 8);
    for (int position = 0; position < 4; position++)
        for (uint32_t value = 0; value < 256; value++)
            table[position][value] = multiply(factor, value << (8 * position));
}

__attribute__((constructor)) static void make_tables(void) {
    for (uint32_t value = 0; value < 256; value++) {
        uint32_t crc = value;
        for (int bit = 0; bit < 8; bit++) crc = (crc & 1) ? (crc >> 1) ^ POLYNOMIAL : crc >> 1;
        byte_table[0][value] = crc;
    }
    for (uint32_t value = 0; value < 256; value++)
        for (int slice = 1; slice < 8; slice++) {
            uint32_t before = byte_table[slice - 1][value];
            byte_table[slice][value] = (before >> 8) ^ byte_table[0][before & 0xff];
        }
    make_shift(long_shift, LONG_LANE);
    make_shift(short_shift, SHORT_LANE);
#if defined(__x86_64__)
    __builtin_cpu_init();
    use_hardware = __builtin_cpu_supports("sse4.2") ? 1 : 0;
    use_folding = use_hardware && __builtin_cpu_supports("pclmul") &&
                  __builtin_cpu_supports("avx2") && __builtin_cpu_supports("vpclmulqdq");
    fold_one[0] = (uint64_t)power(128 + 32) << 1;
    fold_one[1] = (uint64_t)power(128 - 32) << 1;
    fold_eight[0] = (uint64_t)power(1024 + 32) << 1;
    fold_eight[1] = (uint64_t)power(1024 - 32) << 1;
#endif
}

int wax_crc32c_is_hardware(void) { return use_hardware; }

uint32_t wax_crc32c_software(uint32_t crc, const void *bytes, size_t count) {
    const uint8_t *next = bytes;
    crc = ~crc;
    for (; count >= 8; next += 8, count -= 8) {
        crc ^= (uint32_t)next[0] | (uint32_t)next[1] << 8 | (uint32_t)next[2] << 16 |
               (uint32_t)next[3] << 24;
        crc = byte_table[7][crc & 0xff] ^ byte_table[6][(crc >> 8) & 0xff] ^
              byte_table[5][(crc >> 16) & 0xff] ^ byte_table[4][crc >> 24] ^
              byte_table[3][next[4]] ^ byte_table[2][next[5]] ^ byte_table[1][next[6]] ^
              byte_table[0][next[7]];
    }
    for (; count; next++, count--) crc = (crc >> 8) ^ byte_table[0][(crc ^ *next) & 0xff];
    return ~crc;
}

#if defined(__x86_64__)
static inline uint32_t shift(uint32_t table[4][256], uint32_t crc) {
    return table[0][crc & 0xff] ^ table[1][(crc >> 8) & 0xff] ^ table[2][(crc >> 16) & 0xff] ^
           table[3][crc >> 24];
}

static inline uint64_t word(const uint8_t *bytes) {
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

__attribute__((target("sse4.2"))) static uint64_t three_lanes(
    uint64_t first, const uint8_t *next, size_t lane, uint32_t table[4][256]) {
    uint64_t second = 0, third = 0;
    for (size_t at = 0; at < lane; at += 8) {
        first = __builtin_ia32_crc32di(first, word(next + at));
        second = __builtin_ia32_crc32di(second, word(next + lane + at));
        third = __builtin_ia32_crc32di(third, word(next + 2 * lane + at));
    }
    uint32_t joined = shift(table, (uint32_t)first) ^ (uint32_t)second;
    return shift(table, joined) ^ (uint32_t)third;
}

__attribute__((target("sse4.2"))) static uint32_t hardware(
    uint32_t crc, const uint8_t *next, size_t count) {
    uint64_t state = (uint32_t)~crc;
    for (; count >= 3 * LONG_LANE; next += 3 * LONG_LANE, count -= 3 * LONG_LANE)
        state = three_lanes(state, next, LONG_LANE, long_shift);
    for (; count >= 3 * SHORT_LANE; next += 3 * SHORT_LANE, count -= 3 * SHORT_LANE)
        state = three_lanes(state, next, SHORT_LANE, short_shift);
    for (; count >= 8; next += 8, count -= 8) state = __builtin_ia32_crc32di(state, word(next));
    for (; count; next++, count--) state = __builtin_ia32_crc32qi((uint32_t)state, *next);
    return ~(uint32_t)state;
}
#endif

#if defined(__x86_64__)
#define FOLDING __attribute__((target("avx2,pclmul,vpclmulqdq,sse4.2")))

FOLDING static inline __m256i fold_wide(__m256i state, __m256i factors, const uint8_t *next) {
    return _mm256_xor_si256(
        _mm256_xor_si256(
            _mm256_clmulepi64_epi128(state, factors, 0x00),
            _mm256_clmulepi64_epi128(state, factors, 0x11)),
        _mm256_loadu_si256((const __m256i *)next));
}

FOLDING static inline __m128i fold_narrow(__m128i state, __m128i factors, __m128i next) {
    return _mm_xor_si128(
        _mm_xor_si128(
            _mm_clmulepi64_si128(state, factors, 0x00),
            _mm_clmulepi64_si128(state, factors, 0x11)),
        next);
}

/* Four registers of 256 bits, each moved past 1024 bits at a time: twice the bytes per cycle of
   the CRC instruction. What is left in them is congruent to the bytes they stand for, so the
   instruction finishes them. For at least 128 bytes; `crc` is the inverted state. */
FOLDING static uint32_t folded(uint32_t crc, const uint8_t *next, size_t blocks) {
    const __m256i *wide = (const __m256i *)next;
    __m256i first = _mm256_xor_si256(
        _mm256_loadu_si256(wide), _mm256_zextsi128_si256(_mm_cvtsi32_si128((int)crc)));
    __m256i second = _mm256_loadu_si256(wide + 1), third = _mm256_loadu_si256(wide + 2);
    __m256i fourth = _mm256_loadu_si256(wide + 3);
    __m128i eight = _mm_loadu_si128((const __m128i *)fold_eight);
    __m256i factors = _mm256_broadcastsi128_si256(eight);
    for (size_t block = 1; block < blocks; block++) {
        next += 128;
        first = fold_wide(first, factors, next);
        second = fold_wide(second, factors, next + 32);
        third = fold_wide(third, factors, next + 64);
        fourth = fold_wide(fourth, factors, next + 96);
    }
    __m128i one = _mm_loadu_si128((const __m128i *)fold_one);
    __m128i state = _mm256_castsi256_si128(first);
    state = fold_narrow(state, one, _mm256_extracti128_si256(first, 1));
    state = fold_narrow(state, one, _mm256_castsi256_si128(second));
    state = fold_narrow(state, one, _mm256_extracti128_si256(second, 1));
    state = fold_narrow(state, one, _mm256_castsi256_si128(third));
    state = fold_narrow(state, one, _mm256_extracti128_si256(third, 1));
    state = fold_narrow(state, one, _mm256_castsi256_si128(fourth));
    state = fold_narrow(state, one, _mm256_extracti128_si256(fourth, 1));
    uint64_t rest = __builtin_ia32_crc32di(0, (uint64_t)_mm_cvtsi128_si64(state));
    return (uint32_t)__builtin_ia32_crc32di(rest, (uint64_t)_mm_extract_epi64(state, 1));
}

static uint32_t folding(uint32_t crc, const uint8_t *next, size_t count) {
    size_t blocks = count / 128;
    uint32_t state = folded(~crc, next, blocks);
    return hardware(~state, next + blocks * 128, count - blocks * 128);
}
#endif

uint32_t wax_crc32c(uint32_t crc, const void *bytes, size_t count) {
#if defined(__x86_64__)
    if (use_folding && count >= 256) return folding(crc, bytes, count);
    if (use_hardware) return hardware(crc, bytes, count);
#endif
    return wax_crc32c_software(crc, bytes, count);
}
