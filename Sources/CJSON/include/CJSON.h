/* CJSON: the tokens of JSON (RFC 8259), stepped over as fast as they come. No policy: nothing is
   kept of a text but where its tokens end.

   All offsets are from the start of a text of `count` bytes, which is never read beyond. */
#ifndef WAXWING_CJSON_H
#define WAXWING_CJSON_H

#include <stddef.h>
#include <stdint.h>

/* Bytes that are looked at ahead, and words for their marks. */
enum { WAX_TEXT_WINDOW = 4096, WAX_TEXT_WORDS = WAX_TEXT_WINDOW / 64 + 1 };

/* Bit n % 64 of word n / 64 says whether byte start + n is a mark: a quotation mark, a backslash,
   a control character or no ASCII. `length` bytes are known; behind them all bits are set. */
typedef struct {
    /* WAX_TEXT_WORDS of them. */
    uint64_t *words;
    size_t start, length;
} wax_text_window;

/* Moves the window to `from`, which is less than `count`. */
void wax_text_look(wax_text_window *window, const void *text, size_t count, size_t from);

/* The first mark at `at` or behind it; `count` when there is none. */
size_t wax_text_mark(wax_text_window *window, const void *text, size_t count, size_t at);

/* What does not fit the grammar at the end that a function below returns. */
enum {
    WAX_JSON_FITS = 0,
    WAX_JSON_BAD_UTF8,
    WAX_JSON_CONTROL,
    WAX_JSON_OPEN_STRING,
    WAX_JSON_BAD_UNICODE_ESCAPE,
    WAX_JSON_BAD_ESCAPE,
    WAX_JSON_LEADING_ZERO,
    WAX_JSON_NO_DIGIT,
    WAX_JSON_BAD_LITERAL,
    WAX_JSON_NO_VALUE,
};

typedef struct {
    /* Behind the token, or the first byte that does not fit. */
    size_t end;
    /* One of the above. */
    int fault;
    /* Of a string: whether it has escapes. */
    int has_escapes;
} wax_json_token;

/* The string whose first mark, or some byte before it, is at `from`. */
wax_json_token wax_json_string(
    wax_text_window *window, const void *text, size_t count, size_t from);
/* The number that begins at `from` with a digit or a minus sign. */
wax_json_token wax_json_number(const void *text, size_t count, size_t from);
/* `true`, `false` or `null`. */
wax_json_token wax_json_literal(const void *text, size_t count, size_t from);

/* A number from which two bits of 64 are taken for a name: names are told apart by their lengths,
   how they begin and what is in their middle. */
static inline uint64_t wax_name_hash(const void *name, size_t count) {
    const uint8_t *bytes = (const uint8_t *)name;
    uint64_t mixed = count == 0 ? 0 : bytes[0] | (uint64_t)bytes[count / 2] << 8 | count << 16;
    return mixed * 0x9e3779b97f4a7c15u;
}

/* The bits of a set of names with one name more. */
static inline uint64_t wax_names_with(uint64_t names, uint64_t hash) {
    return names | (uint64_t)1 << (hash >> 58) | (uint64_t)1 << (hash >> 52 & 63);
}

/* 0 when the name is none of them; else it may be one. */
static inline int wax_names_may_have(uint64_t names, uint64_t hash) {
    return (int)(names >> (hash >> 58) & names >> (hash >> 52 & 63) & 1);
}

typedef struct {
    /* Where it stopped. */
    size_t end;
    /* Members that were stepped over with the comma behind them. */
    size_t count;
    /* Whether it stands behind a member's value, and not before a member. */
    int is_behind_value;
    /* Whether the member's value is an object or array that could not be stepped over. */
    int is_tree_odd;
    /* Where the member's name ends, at its closing quotation mark, and its value begins; 0 when it
       did not stop for a name without escapes that may be one of those. */
    size_t name_end, value;
} wax_json_stop;

/* Steps over members of an object from `from` on, where one begins, or something that is none. It
   stops before a member of this object whose name may be one of `names` or, unless these are 0, has
   escapes; before one that has, at any depth, a string that begins with `wax1:` or may spell that
   with escapes, something that does not fit the grammar, or objects and arrays more than `levels`
   deep; and behind the value of the last one. */
wax_json_stop wax_json_members(
    wax_text_window *window, const void *text, size_t count, size_t from, uint64_t names,
    size_t levels);

/* A scalar value, no name of a member: from its first byte to behind its last one. */
typedef struct {
    size_t start, end;
} wax_json_value;

/* Finds the scalar values of a text that is known to be JSON, in their order. Returns how many they
   are, or `most` + 1 when they are more than `most`. */
size_t wax_json_values(
    wax_text_window *window, const void *text, size_t count, wax_json_value *values, size_t most);

/* What stands before a scalar value, from the end of the one before it, or behind the last one. */
typedef struct {
    /* Where its bytes begin in those of all gaps. */
    uint32_t start, count;
    /* Whether the value behind it is a string that begins with `wax1:`. */
    int is_before_seal;
} wax_json_gap;

/* A document without its scalar values. A text that is the same but for them, and has some scalar
   values in their places, is JSON too, and has the same members. */
typedef struct {
    const uint8_t *bytes;
    const wax_json_gap *gaps;
    /* One less than there are gaps. */
    size_t value_count;
} wax_json_shape;

/* Compares a text with a shape from gap `gap` on, which begins at `*at`, and writes the values
   behind each gap that fits. Returns the first gap that does not fit, or before a value that does
   not, with `*at` where it begins; `value_count` + 1 when the whole text fits. */
size_t wax_json_follow(
    wax_text_window *window, const void *text, size_t count, const wax_json_shape *shape,
    size_t gap, size_t *at, wax_json_value *values);

#endif
