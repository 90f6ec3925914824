/* Documents that differ from one seen before in their values only. */
#include "json_bytes.h"

static int is_scalar(uint8_t byte) {
    return is_digit(byte) || byte == '-' || byte == 't' || byte == 'f' || byte == 'n';
}

size_t wax_json_values(
    wax_text_window *window, const void *bytes, size_t count, wax_json_value *values, size_t most) {
    const uint8_t *text = bytes;
    size_t found = 0, at = 0;
    while (at < count) {
        size_t start = at;
        if (text[at] == '"') {
            at = wax_json_string(window, text, count, at + 1).end;
            size_t next = at;
            while (is_space(byte_at(text, count, next)))
                next++;
            if (byte_at(text, count, next) == ':')
                continue;
        } else if (is_scalar(text[at])) {
            int is_number = is_digit(text[at]) || text[at] == '-';
            at = is_number ? wax_json_number(text, count, at).end
                           : wax_json_literal(text, count, at).end;
        } else {
            at++;
            continue;
        }
        /* A text that is no JSON after all. */
        if (found == most || at <= start)
            return most + 1;
        values[found++] = (wax_json_value){.start = start, .end = at};
    }
    return found;
}

/* Behind the string at `start`; 0 when it is none, or begins with the seal's mark otherwise than
   it should. */
static inline size_t behind_string(
    wax_text_window *window, const uint8_t *text, size_t count, size_t start, int is_sealed) {
    if (is_seal_mark(word_at(text, count, start)) != is_sealed)
        return 0;
    size_t end = known_mark(window, start);
    if (byte_at(text, count, end) == '"')
        return end + 1;
    wax_json_token string = wax_json_string(window, text, count, start);
    int is_odd = string.fault || may_be_spelled_mark(text, count, start, string);
    return is_odd ? 0 : string.end;
}

static inline size_t behind_scalar(
    wax_text_window *window, const uint8_t *text, size_t count, size_t start, int is_sealed) {
    uint8_t first = byte_at(text, count, start);
    if (first == '"')
        return behind_string(window, text, count, start + 1, is_sealed);
    if (is_sealed)
        return 0;
    return is_digit(first) || first == '-' ? behind_number(text, count, start)
                                           : behind_literal(word_at(text, count, start), start);
}

/* Behind each gap there are seven bytes that may be read. */
static inline int is_same(
    const uint8_t *text, size_t count, size_t at, const uint8_t *gap, size_t bytes) {
    if (bytes > count - at)
        return 0;
    const uint8_t *here = text + at;
    size_t left = bytes;
    for (; left >= 8; left -= 8, here += 8, gap += 8) {
        uint64_t one, other;
        memcpy(&one, here, 8);
        memcpy(&other, gap, 8);
        if (one != other)
            return 0;
    }
    if (left == 0)
        return 1;
    uint64_t other;
    memcpy(&other, gap, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    other = __builtin_bswap64(other);
#endif
    uint64_t differing = word_at(text, count, at + bytes - left) ^ other;
    return differing << (64 - 8 * left) == 0;
}

size_t wax_json_follow(
    wax_text_window *window, const void *bytes, size_t count, const wax_json_shape *shape,
    size_t gap, size_t *at, wax_json_value *values) {
    const uint8_t *text = bytes;
    size_t here = *at, last = shape->value_count;
    for (;; gap++) {
        const wax_json_gap *next = shape->gaps + gap;
        if (!is_same(text, count, here, shape->bytes + next->start, next->count))
            break;
        size_t start = here + next->count;
        if (gap == last) {
            if (start == count)
                gap++;
            break;
        }
        size_t end = behind_scalar(window, text, count, start, next->is_before_seal);
        if (end == 0)
            break;
        values[gap] = (wax_json_value){.start = start, .end = end};
        here = end;
    }
    *at = here;
    return gap;
}
