/* Finds the bytes at which a run of plain text ends: 64 bytes to a word, 16 or 32 at once. */
#include "json_bytes.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#if defined(__x86_64__)
static int use_avx2;

__attribute__((constructor)) static void choose(void) {
    __builtin_cpu_init();
    use_avx2 = __builtin_cpu_supports("avx2") ? 1 : 0;
}

/* As signed numbers, bytes from 0x80 are below 0x20 as control characters are. */
static inline uint64_t sixteen(const uint8_t *bytes) {
    __m128i text = _mm_loadu_si128((const __m128i *)bytes);
    __m128i odd = _mm_cmplt_epi8(text, _mm_set1_epi8(0x20));
    __m128i quotes = _mm_cmpeq_epi8(text, _mm_set1_epi8('"'));
    __m128i slashes = _mm_cmpeq_epi8(text, _mm_set1_epi8('\\'));
    return (uint32_t)_mm_movemask_epi8(_mm_or_si128(odd, _mm_or_si128(quotes, slashes)));
}

static void by_sixteen(const uint8_t *bytes, size_t words, uint64_t *marks) {
    for (size_t word = 0; word < words; word++, bytes += 64)
        marks[word] = sixteen(bytes) | sixteen(bytes + 16) << 16 | sixteen(bytes + 32) << 32 |
                      sixteen(bytes + 48) << 48;
}

__attribute__((target("avx2"))) static inline uint64_t thirty_two(const uint8_t *bytes) {
    __m256i text = _mm256_loadu_si256((const __m256i *)bytes);
    __m256i odd = _mm256_cmpgt_epi8(_mm256_set1_epi8(0x20), text);
    __m256i quotes = _mm256_cmpeq_epi8(text, _mm256_set1_epi8('"'));
    __m256i slashes = _mm256_cmpeq_epi8(text, _mm256_set1_epi8('\\'));
    return (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(odd, _mm256_or_si256(quotes, slashes)));
}

__attribute__((target("avx2"))) static void by_thirty_two(
    const uint8_t *bytes, size_t words, uint64_t *marks) {
    for (size_t word = 0; word < words; word++, bytes += 64)
        marks[word] = thirty_two(bytes) | thirty_two(bytes + 32) << 32;
}

static void whole(const uint8_t *bytes, size_t words, uint64_t *marks) {
    if (use_avx2)
        by_thirty_two(bytes, words, marks);
    else
        by_sixteen(bytes, words, marks);
}
#else
static void whole(const uint8_t *bytes, size_t words, uint64_t *marks) {
    for (size_t word = 0; word < words; word++, bytes += 64) {
        marks[word] = 0;
        for (int at = 0; at < 64; at++) {
            uint8_t byte = bytes[at];
            uint64_t odd = byte < 0x20 || byte >= 0x80 || byte == '"' || byte == '\\';
            marks[word] |= odd << at;
        }
    }
}
#endif

void wax_text_look(wax_text_window *window, const void *bytes, size_t total, size_t from) {
    const uint8_t *text = (const uint8_t *)bytes + from;
    uint64_t *marks = window->words;
    size_t count = total - from < WAX_TEXT_WINDOW ? total - from : WAX_TEXT_WINDOW;
    window->start = from;
    window->length = count;
    size_t words = count / 64, left = count % 64;
    whole(text, words, marks);
    uint8_t last[64] = {0};
    memcpy(last, text + 64 * words, left);
    whole(last, 1, marks + words);
    marks[words] |= ~(uint64_t)0 << left;
}

size_t wax_text_mark(wax_text_window *window, const void *text, size_t count, size_t at) {
    while (at < count) {
        if (at < window->start || at - window->start >= window->length)
            wax_text_look(window, text, count, at);
        size_t mark = known_mark(window, at);
        if (mark != SIZE_MAX)
            return mark;
        at = window->start + window->length;
    }
    return count;
}
