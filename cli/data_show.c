// SPDX-License-Identifier: Apache-2.0
// `lewin data show`: one conversation, token by token, exactly as the trainer gets it.
#include "cli/data.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/stringbuf.h"
#include "engine/base/terminal.h"
#include "engine/base/utf8.h"
#include "engine/text/template.h"
#include "trainer/data/records.h"
#include "trainer/data/source.h"

// Neighbouring tokens take turns between two shades, so that one sees where each ends.
static const char *const trained_colours[] = {"\033[1;38;5;34m", "\033[1;38;5;77m"};
static const char *const read_colours[] = {"\033[38;5;244m", "\033[38;5;250m"};

// Appends the bytes of a token as text that is safe to print: line feeds, tabs and control
// characters become visible, bytes that are no UTF-8 become \xNN. With `wrap`, a line feed also
// begins a new line.
static bool add_visible(
    struct lw_string *out, const char *bytes, size_t length, bool wrap, struct lw_error *error)
{
    bool added = true;
    for (size_t i = 0; i < length && added;) {
        size_t good = lw_utf8_valid_length(bytes + i, length - i), plain = 0;
        while (plain < good && (unsigned char)bytes[i + plain] >= 0x20 && bytes[i + plain] != 127) {
            plain++;
        }
        if (plain) {
            added = lw_string_add(out, bytes + i, plain, error);
            i += plain;
            continue;
        }
        unsigned char byte = (unsigned char)bytes[i++];
        added = byte == '\n'   ? lw_string_addf(out, error, "\xe2\x8f\x8e%s", wrap ? "\n" : "")
                : byte == '\t' ? lw_string_addf(out, error, "\xe2\x87\xa5")
                               : lw_string_addf(out, error, "\\x%02x", byte);
    }
    return added;
}

static bool add_token_text(struct lw_string *out, const struct lw_tokenizer *tokenizer, uint32_t id,
    bool wrap, struct lw_error *error)
{
    struct lw_string text = {0};
    bool done = lw_tokenizer_show_token(tokenizer, id, &text, error) &&
                (text.length > 0 ? add_visible(out, text.data, text.length, wrap, error)
                                 : lw_string_addf(out, error, "<no token %" PRIu32 ">", id));
    lw_string_free(&text);
    return done;
}

// Running text. Without colours, trained tokens stand in brackets and the others are kept apart by
// middle dots.
static bool add_flowing(struct lw_string *out, const struct lw_tokenizer *tokenizer,
    const struct lw_example *example, bool colours, struct lw_error *error)
{
    for (size_t i = 0; i < example->count; i++) {
        bool trained = example->trained[i];
        const char *before = trained ? "[" : i && !example->trained[i - 1] ? "\xc2\xb7" : "";
        if (colours) {
            before = trained ? trained_colours[i % 2] : read_colours[i % 2];
        }
        // After a line feed no dot: it would begin the new line.
        bool new_line = out->length && out->data[out->length - 1] == '\n';
        if (!lw_string_addf(out, error, "%s", new_line && !colours && !trained ? "" : before) ||
            !add_token_text(out, tokenizer, example->ids[i], !trained || colours, error) ||
            !lw_string_addf(out, error, "%s",
                colours   ? "\033[0m"
                : trained ? "]"
                          : "")) {
            return false;
        }
        // A bracket is closed before the line is.
        const char *end = "\xe2\x8f\x8e]";
        if (trained && !colours && out->length >= 4 &&
            !memcmp(out->data + out->length - 4, end, 4) && !lw_string_add(out, "\n", 1, error)) {
            return false;
        }
    }
    bool ended = out->length && out->data[out->length - 1] == '\n';
    return ended || lw_string_addf(out, error, "\n");
}

static bool add_listing(struct lw_string *out, const struct lw_tokenizer *tokenizer,
    const struct lw_example *example, bool colours, struct lw_error *error)
{
    for (size_t i = 0; i < example->count; i++) {
        bool trained = example->trained[i];
        const char *colour = !colours ? "" : trained ? trained_colours[0] : read_colours[0];
        if (!lw_string_addf(out, error, "%6zu %7" PRIu32 "  %s%s", i, example->ids[i], colour,
                trained && !colours ? "[" : "") ||
            !add_token_text(out, tokenizer, example->ids[i], false, error) ||
            !lw_string_addf(
                out, error, "%s%s\n", colours ? "\033[0m" : "", trained && !colours ? "]" : "")) {
            return false;
        }
    }
    return true;
}

static bool add_counts(struct lw_string *out, const struct lw_example *example, size_t turns,
    const struct lw_data_flags *flags, const char *chat_template, struct lw_error *error)
{
    double share =
        example->count ? 100 * (double)example->trained_count / (double)example->count : 0;
    return lw_string_addf(out, error,
               "\n%zu tokens, %zu trained on (%.1f %%), %zu turn%s, template %s\n", example->count,
               example->trained_count, share, turns, turns == 1 ? "" : "s", chat_template) &&
           (!example->truncated ||
               lw_string_addf(out, error, "cut off at %" PRIu64 " tokens (--cutoff-len)%s\n",
                   flags->cutoff_len,
                   example->stop_cut               ? "; a response lost its end and stop token"
                   : lw_data_mask(flags).keep_ends ? "; headers and stop tokens are kept"
                                                   : "")) &&
           (example->trained_count || lw_string_addf(out, error, "nothing of it is trained on\n"));
}

// Goes on to record *left of the file; *left counts down to 0 there, or by the records of the file.
static bool find_in_file(const char *path, const struct lw_record_format *format, uint64_t *left,
    struct lw_record *record, struct lw_error *error)
{
    struct lw_records *records = NULL;
    bool read =
        lw_records_open(&records, path, error) && lw_records_next(records, format, record, error);
    while (read && *left && record->kind != LW_RECORD_END) {
        --*left;
        read = lw_records_next(records, format, record, error);
    }
    lw_records_close(&records);
    if (read && record->kind == LW_RECORD_BAD) {
        read = lw_fail(error, LW_BAD_INPUT, "%s, line %" PRIu64 ": %s", path, record->line,
            record->fault.reason);
    }
    return read;
}

// Finds record `index` (from 0) of the data set.
static bool find_record(const struct lw_source *source, uint64_t index, struct lw_record *record,
    struct lw_error *error)
{
    uint64_t left = index;
    for (size_t i = 0; i < source->path_count; i++) {
        if (!find_in_file(source->paths[i], &source->format, &left, record, error)) {
            return false;
        }
        if (record->kind == LW_RECORD_GOOD) {
            return true;
        }
    }
    uint64_t count = index - left;
    return lw_fail(error, LW_BAD_INPUT, "%s has %" PRIu64 " record%s; --index counts them from 0",
        source->name, count, count == 1 ? "" : "s");
}

bool lw_data_show(const char *model_folder, char **name, const struct lw_data_flags *flags,
    const struct lw_template *chat_template, struct lw_error *error)
{
    struct lw_mask_options mask = lw_data_mask(flags);
    struct lw_template_options options = lw_data_template_options(flags);
    struct lw_tokenizer *tokenizer = NULL;
    struct lw_sources sources = {0};
    const struct lw_option_list list = {name, 1};
    struct lw_record record = {0};
    struct lw_turns turns = {0};
    struct lw_example example = {0};
    struct lw_string out = {0};
    bool colours = lw_terminal_is(stdout) && !getenv("NO_COLOR");
    bool shown =
        lw_sources_resolve(&sources, &list, flags->dataset_dir, error) &&
        find_record(&sources.items[0], flags->index, &record, error) &&
        lw_template_open_tokenizer(chat_template, model_folder, &tokenizer, error) &&
        lw_template_encode(
            chat_template, tokenizer, &record.conversation, &options, &turns, error) &&
        lw_example_build(&turns, &mask, &example, error) &&
        (flags->ids ? add_listing(&out, tokenizer, &example, colours, error)
                    : add_flowing(&out, tokenizer, &example, colours, error)) &&
        add_counts(&out, &example, turns.count, flags, lw_template_name(chat_template), error);
    if (shown) {
        fwrite(out.data, 1, out.length, stdout);
    }
    lw_string_free(&out);
    lw_example_free(&example);
    lw_turns_free(&turns);
    lw_conversation_clear(&record.conversation);
    lw_tokenizer_close(tokenizer);
    lw_sources_free(&sources);
    return shown;
}
