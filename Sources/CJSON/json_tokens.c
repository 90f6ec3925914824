/* One token at a time, and why what does not fit does not (RFC 8259, RFC 3629). */
#include "json_bytes.h"

static wax_json_token token_ending(size_t end, int has_escapes) {
    return (wax_json_token){.end = end, .has_escapes = has_escapes};
}

static wax_json_token faulty(size_t at, int fault) {
    return (wax_json_token){.end = at, .fault = fault};
}

/* Bytes of the UTF-8 sequence at `at`, which is no ASCII; 0 when it is none (RFC 3629 section 4: no
   surrogates, no longer forms than needed, nothing beyond U+10FFFF). */
static size_t sequence(const uint8_t *text, size_t count, size_t at) {
    uint8_t lead = text[at], second = byte_at(text, count, at + 1);
    if (lead < 0xc2 || lead > 0xf4 || (second & 0xc0) != 0x80)
        return 0;
    if (lead < 0xe0)
        return 2;
    if ((byte_at(text, count, at + 2) & 0xc0) != 0x80)
        return 0;
    if (lead < 0xf0) {
        int is_short = lead == 0xe0 && second < 0xa0, is_surrogate = lead == 0xed && second >= 0xa0;
        return is_short || is_surrogate ? 0 : 3;
    }
    if ((byte_at(text, count, at + 3) & 0xc0) != 0x80)
        return 0;
    int is_short = lead == 0xf0 && second < 0x90, is_beyond = lead == 0xf4 && second >= 0x90;
    return is_short || is_beyond ? 0 : 4;
}

static int is_hexadecimal(uint8_t byte) {
    return is_digit(byte) || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'f');
}

wax_json_token wax_json_string(
    wax_text_window *window, const void *bytes, size_t count, size_t from) {
    const uint8_t *text = bytes;
    int has_escapes = 0;
    for (size_t at = from;;) {
        /* Escapes often come one behind the other. */
        if (byte_at(text, count, at) != '\\')
            at = wax_text_mark(window, text, count, at);
        if (at == count)
            return faulty(at, WAX_JSON_OPEN_STRING);
        if (text[at] == '"')
            return token_ending(at + 1, has_escapes);
        if (text[at] >= 0x80) {
            do {
                size_t more = sequence(text, count, at);
                if (more == 0)
                    return faulty(at, WAX_JSON_BAD_UTF8);
                at += more;
            } while (byte_at(text, count, at) >= 0x80);
            continue;
        }
        if (text[at] != '\\')
            return faulty(at, WAX_JSON_CONTROL);
        has_escapes = 1;
        switch (byte_at(text, count, at + 1)) {
        case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't':
            at += 2;
            break;
        case 'u':
            for (size_t digit = at + 2; digit < at + 6; digit++)
                if (!is_hexadecimal(byte_at(text, count, digit)))
                    return faulty(at, WAX_JSON_BAD_UNICODE_ESCAPE);
            at += 6;
            break;
        default:
            return faulty(at, WAX_JSON_BAD_ESCAPE);
        }
    }
}

/* Behind the digits at `at`, of which there may be none. */
static size_t behind_digits(const uint8_t *text, size_t count, size_t at) {
    while (is_digit(byte_at(text, count, at)))
        at++;
    return at;
}

wax_json_token wax_json_number(const void *bytes, size_t count, size_t from) {
    const uint8_t *text = bytes;
    size_t at = from + (byte_at(text, count, from) == '-'), end;
    if (byte_at(text, count, at) == '0') {
        end = at + 1;
        if (is_digit(byte_at(text, count, end)))
            return faulty(end, WAX_JSON_LEADING_ZERO);
    } else {
        end = behind_digits(text, count, at);
        if (end == at)
            return faulty(at, WAX_JSON_NO_DIGIT);
    }
    if (byte_at(text, count, end) == '.') {
        at = end + 1;
        end = behind_digits(text, count, at);
        if (end == at)
            return faulty(at, WAX_JSON_NO_DIGIT);
    }
    if ((byte_at(text, count, end) | 0x20) == 'e') {
        at = end + 1;
        at += byte_at(text, count, at) == '+' || byte_at(text, count, at) == '-';
        end = behind_digits(text, count, at);
        if (end == at)
            return faulty(at, WAX_JSON_NO_DIGIT);
    }
    return token_ending(end, 0);
}

wax_json_token wax_json_literal(const void *bytes, size_t count, size_t from) {
    const uint8_t *text = bytes;
    size_t end = behind_literal(word_at(text, count, from), from);
    if (end)
        return token_ending(end, 0);
    uint8_t first = byte_at(text, count, from);
    int is_begun = first == 't' || first == 'f' || first == 'n';
    return faulty(from, is_begun ? WAX_JSON_BAD_LITERAL : WAX_JSON_NO_VALUE);
}
