/* Steps over what no path selects, in one loop that remembers a bit for each level. */
#include "json_bytes.h"

/* The marks from some byte on, one after another. Where one is does not depend on where the one
   before it was, so that a processor can look at several at once. No function that is called gets
   its address, so that it is kept in registers. */
typedef struct {
    const uint64_t *word;
    /* Where the bytes of `word` begin. */
    size_t base;
    /* The marks of `word` that are left. */
    uint64_t bits;
} mark_run;

static __attribute__((noinline)) mark_run look_from(
    wax_text_window *window, const uint8_t *text, size_t count, size_t at) {
    if (at >= count)
        return (mark_run){.word = window->words + WAX_TEXT_WORDS, .base = count};
    if (at < window->start || at - window->start >= window->length)
        wax_text_look(window, text, count, at);
    size_t place = at - window->start;
    const uint64_t *word = window->words + place / 64;
    return (mark_run){
        .word = word,
        .base = at - place % 64,
        .bits = *word & ~(uint64_t)0 << (place % 64),
    };
}

static inline __attribute__((always_inline)) void go_to(
    mark_run *run, wax_text_window *window, const uint8_t *text, size_t count, size_t at) {
    /* Piece by piece: the function is given where its answer goes, and that must not be `run`. */
    mark_run there = look_from(window, text, count, at);
    run->word = there.word;
    run->base = there.base;
    run->bits = there.bits;
}

/* Makes `bits` not zero; 0 when no mark is left. */
static inline __attribute__((always_inline)) int has_mark(
    mark_run *run, wax_text_window *window, const uint8_t *text, size_t count) {
    while (run->bits == 0) {
        if (run->word < window->words + (window->length - 1) / 64) {
            run->word++;
            run->base += 64;
            run->bits = *run->word;
        } else {
            if (run->base + 64 >= count)
                return 0;
            go_to(run, window, text, count, run->base + 64);
        }
    }
    return 1;
}

/* Where the string ends whose opening quotation mark is the next mark: the first mark behind it.
   `count` or more when there is none. */
static inline __attribute__((always_inline)) size_t string_end(
    mark_run *run, wax_text_window *window, const uint8_t *text, size_t count) {
    if (!has_mark(run, window, text, count))
        return count;
    run->bits &= run->bits - 1;
    if (!has_mark(run, window, text, count))
        return count;
    size_t end = run->base + (size_t)__builtin_ctzll(run->bits);
    run->bits &= run->bits - 1;
    return end;
}

static __attribute__((noinline)) size_t behind_spaces(
    const uint8_t *text, size_t count, size_t at) {
    for (;;) {
        while (word_at(text, count, at) == 0x2020202020202020)
            at += 8;
        if (!is_space(byte_at(text, count, at)))
            return at;
        at++;
    }
}

/* The first byte of the token at or behind `*at`, which is moved there. Between tokens there are no
   marks but those of white space, which are left behind. */
static inline __attribute__((always_inline)) uint8_t token(
    mark_run *run, wax_text_window *window, const uint8_t *text, size_t count, size_t *at) {
    uint8_t first = byte_at(text, count, *at);
    if (first > ' ')
        return first;
    uint8_t second = byte_at(text, count, *at + 1);
    if (first == ' ' && second > ' ') {
        ++*at;
        return second;
    }
    *at = behind_spaces(text, count, *at);
    go_to(run, window, text, count, *at);
    return byte_at(text, count, *at);
}

static const uint64_t colon = 0x3a22; /* `":`, the first letter in the lowest bits */
enum { levels_max = 62 };

static wax_json_stop before_member(size_t at, size_t count, uint64_t levels) {
    return (wax_json_stop){.end = at, .count = count, .is_tree_odd = levels > 1};
}

wax_json_stop wax_json_members(
    wax_text_window *window, const void *bytes, size_t count, size_t from, uint64_t names,
    size_t levels) {
    const uint8_t *text = bytes;
    mark_run run = {0};
    go_to(&run, window, text, count, from);
    size_t at = from, member = from, stepped = 0;
    /* A bit for each level within the object, one for an object, below the object's own. */
    uint64_t stack = 1, deepest = (uint64_t)1 << (levels < levels_max ? levels : levels_max);
    uint8_t first = byte_at(text, count, at);
    for (;;) {
        /* A member, its name first. */
        if (first != '"')
            return before_member(member, stepped, stack);
        size_t start = at + 1, close = string_end(&run, window, text, count);
        /* The end of the name, and from its third byte on what begins the value. */
        uint64_t word = word_at(text, count, close);
        if ((uint8_t)word != '"') {
            wax_json_token name = wax_json_string(window, text, count, start);
            if (name.fault || (names && stack == 1 && name.has_escapes))
                return before_member(member, stepped, stack);
            go_to(&run, window, text, count, name.end);
            close = name.end - 1;
            word = word_at(text, count, close);
        }
        int is_wanted = names && stack == 1 &&
                        wax_names_may_have(names, wax_name_hash(text + start, close - start));
        at = close + 2;
        if ((word & 0xffff) != colon) {
            at = close + 1;
            if (token(&run, window, text, count, &at) != ':')
                return before_member(member, stepped, stack);
            word = word_at(text, count, ++at) << 16;
        }
        if (is_wanted) {
            (void)token(&run, window, text, count, &at);
            return (wax_json_stop){
                .end = member, .count = stepped, .name_end = close, .value = at};
        }
        for (;;) {
            /* A value. */
            first = (uint8_t)(word >> 16);
            if (first <= ' ') {
                first = token(&run, window, text, count, &at);
                word = word_at(text, count, at) << 16;
            }
            uint8_t next;
            if (first == '"') {
                if (is_seal_mark(word >> 24))
                    return before_member(member, stepped, stack);
                start = at + 1;
                close = string_end(&run, window, text, count);
                word = word_at(text, count, close);
                if ((uint8_t)word != '"') {
                    wax_json_token string = wax_json_string(window, text, count, start);
                    if (string.fault || may_be_spelled_mark(text, count, start, string))
                        return before_member(member, stepped, stack);
                    go_to(&run, window, text, count, string.end);
                    close = string.end - 1;
                    word = word_at(text, count, close);
                }
                at = close + 1;
                next = (uint8_t)(word >> 8);
            } else if (is_digit(first) || first == '-') {
                at = behind_number(text, count, at);
                if (at == 0)
                    return before_member(member, stepped, stack);
                next = byte_at(text, count, at);
            } else if (first == '{' || first == '[') {
                if (stack >= deepest)
                    return before_member(member, stepped, stack);
                stack = stack << 1 | (first == '{');
                at++;
                next = token(&run, window, text, count, &at);
                /* In ASCII an opening bracket and its end are two apart. */
                if (next != first + 2) {
                    if (first == '{') {
                        first = next;
                        break;
                    }
                    word = word_at(text, count, at) << 16;
                    continue;
                }
            } else {
                at = behind_literal(word >> 16, at);
                if (at == 0)
                    return before_member(member, stepped, stack);
                next = byte_at(text, count, at);
            }
            /* Behind a value, or in what is empty. */
            if (next <= ' ')
                next = token(&run, window, text, count, &at);
            while (next != ',') {
                if (stack == 1)
                    return (wax_json_stop){.end = at, .count = stepped, .is_behind_value = 1};
                if (next != (stack & 1 ? '}' : ']'))
                    return before_member(member, stepped, stack);
                stack >>= 1;
                at++;
                next = token(&run, window, text, count, &at);
            }
            at++;
            first = token(&run, window, text, count, &at);
            if (stack == 1) {
                stepped++;
                member = at;
                break;
            }
            if (stack & 1)
                break;
            word = word_at(text, count, at) << 16;
        }
    }
}
