// SPDX-License-Identifier: Apache-2.0
// Regular expressions by PCRE2, compiled to machine code where the platform lets us. A search that
// needs more stack than that code has is repeated by PCRE2's interpreter, which takes its memory
// from the heap, so that no length of text is too long.
#define PCRE2_CODE_UNIT_WIDTH 8
#include "engine/text/pattern.h"

#include <pcre2.h>
#include <stdint.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/utf8.h"
#include "engine/text/regex_syntax.h"

struct lw_pattern {
    pcre2_code *code;
};

struct lw_matcher_memory {
    pcre2_match_data *data;
    pcre2_match_context *context;
};

static void *take_memory(size_t size, void *context)
{
    (void)context;
    return lw_calloc(1, size, NULL);
}

static void give_memory(void *memory, void *context)
{
    (void)context;
    lw_free(memory);
}

// A compile error with PCRE2's own words for it.
static bool fail_compile(const char *text, int code, size_t offset, struct lw_error *error)
{
    char words[128];
    if (code == PCRE2_ERROR_HEAP_FAILED) {
        return lw_fail_memory(error, "a regular expression", 0);
    }
    pcre2_get_error_message(code, (PCRE2_UCHAR *)words, sizeof words);
    return lw_fail(error, LW_BAD_INPUT,
        "The regular expression %.200s is not valid: %s (byte %zu of its PCRE2 form).", text, words,
        offset);
}

static pcre2_code *compile(
    const char *text, const struct lw_string *translated, struct lw_error *error)
{
    pcre2_code *code = NULL;
    pcre2_general_context *general = pcre2_general_context_create(take_memory, give_memory, NULL);
    pcre2_compile_context *context = general ? pcre2_compile_context_create(general) : NULL;
    if (!context) {
        lw_fail_memory(error, "a regular expression", 0);
    } else {
        int status;
        PCRE2_SIZE offset;
        pcre2_set_newline(context, PCRE2_NEWLINE_LF);
        code = pcre2_compile((PCRE2_SPTR)lw_string_text(translated), translated->length,
            PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &status, &offset, context);
        if (!code) {
            fail_compile(text, status, offset, error);
        }
    }
    pcre2_compile_context_free(context);
    pcre2_general_context_free(general);
    return code;
}

bool lw_pattern_create(
    struct lw_pattern **pattern, const char *text, bool literal, struct lw_error *error)
{
    struct lw_string translated = {0};
    *pattern = lw_calloc(1, sizeof **pattern, error);
    if (!*pattern) {
        return false;
    }
    bool done = literal ? lw_regex_quote(&translated, text, error)
                        : lw_regex_translate(&translated, text, error);
    (*pattern)->code = done ? compile(text, &translated, error) : NULL;
    lw_string_free(&translated);
    if (!(*pattern)->code) {
        lw_pattern_destroy(*pattern);
        *pattern = NULL;
        return false;
    }
    // Where this fails (no executable memory allowed), the interpreter does the same, slower.
    (void)pcre2_jit_compile((*pattern)->code, PCRE2_JIT_COMPLETE);
    return true;
}

void lw_pattern_destroy(struct lw_pattern *pattern)
{
    if (pattern) {
        pcre2_code_free(pattern->code);
        lw_free(pattern);
    }
}

static bool prepare(struct lw_matcher *matcher, struct lw_error *error)
{
    if (matcher->memory) {
        return true;
    }
    struct lw_matcher_memory *memory = lw_calloc(1, sizeof *memory, error);
    if (!memory) {
        return false;
    }
    pcre2_general_context *general = pcre2_general_context_create(take_memory, give_memory, NULL);
    memory->data = general ? pcre2_match_data_create(1, general) : NULL;
    memory->context = general ? pcre2_match_context_create(general) : NULL;
    pcre2_general_context_free(general);
    matcher->memory = memory;
    if (!memory->data || !memory->context) {
        lw_matcher_free(matcher);
        return lw_fail_memory(error, "a text search", 0);
    }
    return true;
}

// Bounds the work of one search, so that a pattern that backtracks without end is an error and no
// hang; a pattern that is linear stays far below for any length of text.
static void set_limits(struct lw_matcher *matcher)
{
    uint64_t limit = 10000000 + 64 * (uint64_t)matcher->length;
    uint32_t limit_32 = limit < UINT32_MAX ? (uint32_t)limit : UINT32_MAX;
    pcre2_set_match_limit(matcher->memory->context, limit_32);
    pcre2_set_depth_limit(matcher->memory->context, limit_32);
}

void lw_matcher_free(struct lw_matcher *matcher)
{
    if (matcher->memory) {
        pcre2_match_data_free(matcher->memory->data);
        pcre2_match_context_free(matcher->memory->context);
        lw_free(matcher->memory);
    }
    *matcher = (struct lw_matcher){0};
}

void lw_matcher_begin(
    struct lw_matcher *matcher, const struct lw_pattern *pattern, const char *text, size_t length)
{
    matcher->pattern = pattern;
    matcher->text = text;
    matcher->length = length;
    matcher->from = 0;
    matcher->last_end = SIZE_MAX;
}

static int search(struct lw_matcher *matcher, uint32_t options)
{
    // The text is checked once by the caller; PCRE2 would check it again for every match.
    return pcre2_match(matcher->pattern->code, (PCRE2_SPTR)matcher->text, matcher->length,
        matcher->from, options | PCRE2_NO_UTF_CHECK, matcher->memory->data,
        matcher->memory->context);
}

bool lw_matcher_next(
    struct lw_matcher *matcher, bool *found, size_t *start, size_t *end, struct lw_error *error)
{
    *found = false;
    if (!prepare(matcher, error)) {
        return false;
    }
    if (matcher->from == 0) {
        set_limits(matcher);
    }
    while (matcher->from <= matcher->length) {
        int status = search(matcher, 0);
        if (status == PCRE2_ERROR_JIT_STACKLIMIT) {
            status = search(matcher, PCRE2_NO_JIT);
        }
        if (status == PCRE2_ERROR_NOMATCH) {
            matcher->from = matcher->length + 1;
            break;
        }
        if (status == PCRE2_ERROR_NOMEMORY) {
            return lw_fail_memory(error, "a text search", 0);
        }
        if (status < 0) {
            char words[128];
            pcre2_get_error_message(status, (PCRE2_UCHAR *)words, sizeof words);
            return lw_fail(error, LW_BAD_INPUT,
                "The tokenizer's regular expression cannot be used on the text from byte %zu on: "
                "%s.",
                matcher->from, words);
        }
        const PCRE2_SIZE *range = pcre2_get_ovector_pointer(matcher->memory->data);
        if (range[0] != range[1] || range[1] != matcher->last_end) {
            *found = true;
            *start = range[0];
            *end = range[1];
            matcher->from = matcher->last_end = range[1];
            return true;
        }
        size_t rest = matcher->length - matcher->from;
        matcher->from += rest ? lw_utf8_next(matcher->text + matcher->from, rest).length : 1;
    }
    return true;
}
