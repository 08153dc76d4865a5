// SPDX-License-Identifier: Apache-2.0
// Cutting records out of a stream. See cutter.h.
#include "trainer/data/cutter.h"

#include "engine/base/alloc.h"
#include "engine/base/stringbuf.h"

enum { buffer_size = 1 << 16, end_of_file = -1, read_failure = -2 };

enum form { FORM_UNKNOWN, FORM_ARRAY, FORM_LINES, FORM_FINISHED };

// What an array has next.
enum expected { EXPECT_FIRST, EXPECT_SEPARATOR, EXPECT_VALUE };

struct lw_cutter {
    struct lw_byte_source source;
    size_t largest_record;
    struct lw_string record;
    enum form form;
    enum expected expected;
    uint64_t line;
    bool at_line_start; // the last byte taken was a line feed
    size_t position, length;
    char buffer[buffer_size];
};

bool lw_cutter_create(struct lw_cutter **cutter, struct lw_byte_source source,
    size_t largest_record, struct lw_error *error)
{
    struct lw_cutter *made = lw_calloc(1, sizeof *made, error);
    if (!made) {
        return false;
    }
    made->source = source;
    made->largest_record = largest_record;
    made->line = 1;
    *cutter = made;
    return true;
}

void lw_cutter_destroy(struct lw_cutter **cutter)
{
    if (*cutter) {
        lw_string_free(&(*cutter)->record);
        lw_free(*cutter);
        *cutter = NULL;
    }
}

// The next byte without taking it, end_of_file, or read_failure with `error` filled.
static int peek(struct lw_cutter *cutter, struct lw_error *error)
{
    if (cutter->position == cutter->length) {
        cutter->position = 0;
        cutter->length = 0;
        if (!cutter->source.read(
                cutter->source.context, cutter->buffer, buffer_size, &cutter->length, error)) {
            return read_failure;
        }
        if (cutter->length == 0) {
            return end_of_file;
        }
    }
    return (unsigned char)cutter->buffer[cutter->position];
}

static void take(struct lw_cutter *cutter)
{
    cutter->at_line_start = cutter->buffer[cutter->position] == '\n';
    cutter->line += cutter->at_line_start;
    cutter->position++;
}

static bool is_space(int byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

// The first byte that is no white space, not taken.
static int skip_space(struct lw_cutter *cutter, struct lw_error *error)
{
    int byte = peek(cutter, error);
    while (is_space(byte)) {
        take(cutter);
        byte = peek(cutter, error);
    }
    return byte;
}

static bool fault(struct lw_cut *cut, uint64_t line, const char *reason)
{
    *cut = (struct lw_cut){.kind = LW_CUT_FAULT, .line = line, .reason = reason};
    return true;
}

static bool finish_with_fault(struct lw_cutter *cutter, struct lw_cut *cut, const char *reason)
{
    cutter->form = FORM_FINISHED;
    return fault(cut, cutter->line, reason);
}

// One value being cut: brackets open, whether inside a string, and the first thing found wrong.
struct value {
    size_t depth;
    bool in_string, escaped;
    const char *wrong;
    uint64_t wrong_line;
};

static void note(struct value *value, uint64_t line, const char *reason)
{
    if (!value->wrong) {
        value->wrong = reason;
        value->wrong_line = line;
    }
}

// Follows quotes and brackets over one byte; true when the value is complete with it.
static bool follow(struct value *value, int byte, uint64_t line)
{
    if (value->in_string) {
        if (byte == '\n') {
            note(value, line, "a string is not closed on its line (a missing quote?)");
            value->in_string = false;
            value->escaped = false;
        } else if (value->escaped) {
            value->escaped = false;
        } else if (byte == '\\') {
            value->escaped = true;
        } else if (byte == '"') {
            value->in_string = false;
        }
        return false;
    }
    value->in_string = byte == '"';
    value->depth += byte == '{' || byte == '[';
    if (byte == '}' || byte == ']') {
        value->depth--;
        return value->depth == 0;
    }
    return false;
}

// Whether a record of JSON Lines has to be given up before `byte`: its line has a string without an
// end, or a new record begins in the first column while it is still open.
static bool lost_in_lines(struct lw_cutter *cutter, const struct value *value, int byte)
{
    return cutter->form == FORM_LINES && cutter->at_line_start && (value->wrong || byte == '{');
}

// How many of the buffered bytes are the inside of a string and end nothing: at most one look at
// each byte of a record's text, which is nearly all strings.
static size_t plain_run(const struct lw_cutter *cutter, const struct value *value)
{
    size_t position = cutter->position;
    if (!value->in_string || value->escaped) {
        return 0;
    }
    while (position < cutter->length && cutter->buffer[position] != '"' &&
           cutter->buffer[position] != '\\' && cutter->buffer[position] != '\n') {
        position++;
    }
    return position - cutter->position;
}

// Adds the next `count` buffered bytes to the record, or notes that it is too large.
static bool keep(
    struct lw_cutter *cutter, struct value *value, size_t count, struct lw_error *error)
{
    if (count > cutter->largest_record - cutter->record.length) {
        note(value, cutter->line, "the record is larger than a record may be");
        lw_string_clear(&cutter->record);
    }
    return value->wrong ||
           lw_string_add(&cutter->record, cutter->buffer + cutter->position, count, error);
}

// Cuts the object that begins with the next byte.
static bool cut_object(struct lw_cutter *cutter, struct lw_cut *cut, struct lw_error *error)
{
    struct value value = {0};
    uint64_t first_line = cutter->line;
    lw_string_clear(&cutter->record);
    cutter->at_line_start = false;
    for (bool complete = false; !complete;) {
        int byte = peek(cutter, error);
        if (byte == read_failure) {
            return false;
        }
        if (byte == end_of_file) {
            return finish_with_fault(cutter, cut, "the file ends inside a record: it is cut off");
        }
        if (lost_in_lines(cutter, &value, byte)) {
            note(&value, first_line, "the record has no end before the next one begins");
            break;
        }
        size_t run = plain_run(cutter, &value);
        if (!keep(cutter, &value, run ? run : 1, error)) {
            return false;
        }
        if (run) {
            cutter->position += run;
            cutter->at_line_start = false;
            continue;
        }
        complete = follow(&value, byte, cutter->line);
        take(cutter);
    }
    if (value.wrong) {
        return fault(cut, value.wrong_line, value.wrong);
    }
    *cut = (struct lw_cut){.kind = LW_CUT_RECORD,
        .text = lw_string_text(&cutter->record),
        .length = cutter->record.length,
        .line = first_line};
    return true;
}

// Steps over a value of an array that is no object.
static bool skip_value(struct lw_cutter *cutter, struct lw_cut *cut, struct lw_error *error)
{
    struct value value = {0};
    uint64_t first_line = cutter->line;
    int byte = peek(cutter, error);
    bool nested = byte == '[';
    for (bool complete = false; !complete;) {
        bool ends = !nested && !value.in_string && (byte == ',' || byte == ']' || byte == '}');
        if (ends || byte == end_of_file) {
            break;
        }
        if (byte == read_failure) {
            return false;
        }
        complete = follow(&value, byte, cutter->line);
        take(cutter);
        byte = peek(cutter, error);
    }
    // A bracket that closes nothing would be met again and again.
    if (!nested && byte == '}') {
        take(cutter);
    }
    return fault(cut, first_line, "the record is not a JSON object ({...})");
}

static bool skip_line(struct lw_cutter *cutter, struct lw_cut *cut, struct lw_error *error)
{
    uint64_t first_line = cutter->line;
    int byte = peek(cutter, error);
    while (byte >= 0 && byte != '\n') {
        take(cutter);
        byte = peek(cutter, error);
    }
    return byte != read_failure && fault(cut, first_line, "text that is no JSON object ({...})");
}

// A byte order mark, then white space, then what decides between array and lines.
static bool find_form(struct lw_cutter *cutter, struct lw_cut *cut, struct lw_error *error)
{
    static const unsigned char mark[] = {0xef, 0xbb, 0xbf};
    size_t marked = 0;
    while (marked < sizeof mark && peek(cutter, error) == mark[marked]) {
        take(cutter);
        marked++;
    }
    if (marked % sizeof mark) {
        cutter->form = FORM_LINES;
        return skip_line(cutter, cut, error);
    }
    int byte = skip_space(cutter, error);
    if (byte == read_failure) {
        return false;
    }
    if (byte == end_of_file) {
        return finish_with_fault(cutter, cut, "the file is empty");
    }
    cutter->form = byte == '[' ? FORM_ARRAY : FORM_LINES;
    if (byte == '[') {
        take(cutter);
    }
    return lw_cutter_next(cutter, cut, error);
}

static bool end_array(struct lw_cutter *cutter, struct lw_cut *cut, struct lw_error *error)
{
    bool comma_before = cutter->expected == EXPECT_VALUE;
    uint64_t line = cutter->line;
    take(cutter);
    cutter->form = FORM_FINISHED;
    int byte = skip_space(cutter, error);
    if (byte == read_failure) {
        return false;
    }
    if (byte != end_of_file) {
        return fault(cut, cutter->line, "text follows the end of the array");
    }
    if (comma_before) {
        return fault(cut, line, "a comma stands before the end of the array");
    }
    *cut = (struct lw_cut){.kind = LW_CUT_END, .line = cutter->line};
    return true;
}

static bool next_in_array(
    struct lw_cutter *cutter, int byte, struct lw_cut *cut, struct lw_error *error)
{
    if (byte == ',' && cutter->expected == EXPECT_SEPARATOR) {
        take(cutter);
        cutter->expected = EXPECT_VALUE;
        byte = skip_space(cutter, error);
        if (byte == read_failure) {
            return false;
        }
    }
    if (byte == end_of_file) {
        return finish_with_fault(
            cutter, cut, "the file ends before the array does (no ]): it is cut off");
    }
    if (byte == ']') {
        return end_array(cutter, cut, error);
    }
    if (byte == ',') {
        take(cutter);
        cutter->expected = EXPECT_VALUE;
        return fault(cut, cutter->line, "a comma without a record before it");
    }
    if (cutter->expected == EXPECT_SEPARATOR) {
        cutter->expected = EXPECT_VALUE;
        return fault(cut, cutter->line, "a comma is missing before the next record");
    }
    cutter->expected = EXPECT_SEPARATOR;
    return byte == '{' ? cut_object(cutter, cut, error) : skip_value(cutter, cut, error);
}

bool lw_cutter_next(struct lw_cutter *cutter, struct lw_cut *cut, struct lw_error *error)
{
    if (cutter->form == FORM_UNKNOWN) {
        return find_form(cutter, cut, error);
    }
    if (cutter->form == FORM_FINISHED) {
        *cut = (struct lw_cut){.kind = LW_CUT_END, .line = cutter->line};
        return true;
    }
    int byte = skip_space(cutter, error);
    if (byte == read_failure) {
        return false;
    }
    if (cutter->form == FORM_ARRAY) {
        return next_in_array(cutter, byte, cut, error);
    }
    if (byte == end_of_file) {
        cutter->form = FORM_FINISHED;
        *cut = (struct lw_cut){.kind = LW_CUT_END, .line = cutter->line};
        return true;
    }
    return byte == '{' ? cut_object(cutter, cut, error) : skip_line(cutter, cut, error);
}
