// SPDX-License-Identifier: Apache-2.0
// Sequential reading, plain or zstd. See input.h.
#include "engine/io/input.h"

#include <string.h>
#include <zstd.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/hash.h"

enum { RAW_BYTES = 1 << 18 };

struct lw_input {
    struct lw_file *file;
    ZSTD_DStream *decoder; // NULL for a plain file
    unsigned char *raw;    // bytes of the file that nobody has taken yet: [taken, filled)
    size_t taken, filled;
    uint64_t consumed;
    struct lw_hash hash; // of the bytes consumed
    bool ended;          // the file has no more bytes
    size_t frame_end;    // what zstd said last: 0 at the end of a frame
};

// Reads more of the file after what is in `raw`, which has room.
static bool fill(struct lw_input *input, struct lw_error *error)
{
    size_t got;
    if (!lw_file_read_next(
            input->file, input->raw + input->filled, RAW_BYTES - input->filled, &got, error)) {
        return false;
    }
    input->filled += got;
    input->ended = got == 0;
    return true;
}

// A zstd frame, or one of the frames that zstd skips (RFC 8878, 3.1).
static bool is_zstd(const unsigned char *bytes, size_t size)
{
    static const unsigned char frame[4] = {0x28, 0xB5, 0x2F, 0xFD};
    static const unsigned char skipped[3] = {0x2A, 0x4D, 0x18};
    return size >= 4 && (memcmp(bytes, frame, 4) == 0 ||
                            ((bytes[0] & 0xF0) == 0x50 && memcmp(bytes + 1, skipped, 3) == 0));
}

static bool start_decoder(struct lw_input *input, struct lw_error *error)
{
    input->decoder = ZSTD_createDStream();
    if (!input->decoder) {
        return lw_fail_memory(error, "decompression", ZSTD_DStreamOutSize());
    }
    // Files made by `zstd --long=31`, as large text collections are; the frame says what it needs.
    size_t code =
        ZSTD_DCtx_setParameter(input->decoder, ZSTD_d_windowLogMax, sizeof(size_t) > 4 ? 31 : 27);
    if (ZSTD_isError(code)) {
        return lw_fail(error, LW_FAILED, "cannot decompress %s: %s", lw_file_path(input->file),
            ZSTD_getErrorName(code));
    }
    return true;
}

bool lw_input_open(struct lw_input **input, const char *path, struct lw_error *error)
{
    *input = NULL;
    struct lw_input *opened = lw_calloc(1, sizeof *opened, error);
    if (!opened) {
        return false;
    }
    lw_hash_start(&opened->hash, 0);
    opened->raw = lw_calloc(RAW_BYTES, 1, error);
    if (!opened->raw || !lw_file_open(&opened->file, path, LW_FILE_READ, error)) {
        goto error;
    }
    while (opened->filled < 4 && !opened->ended) { // a pipe may give one byte at a time
        if (!fill(opened, error)) {
            goto error;
        }
    }
    if (is_zstd(opened->raw, opened->filled) && !start_decoder(opened, error)) {
        goto error;
    }
    *input = opened;
    return true;
error:
    lw_input_close(opened);
    return false;
}

void lw_input_close(struct lw_input *input)
{
    if (!input) {
        return;
    }
    ZSTD_freeDStream(input->decoder);
    lw_file_close(input->file);
    lw_free(input->raw);
    lw_free(input);
}

static bool read_plain(
    struct lw_input *input, void *bytes, size_t size, size_t *got, struct lw_error *error)
{
    size_t waiting = input->filled - input->taken;
    if (waiting) {
        *got = waiting < size ? waiting : size;
        memcpy(bytes, input->raw + input->taken, *got);
        input->taken += *got;
    } else if (!lw_file_read_next(input->file, bytes, size, got, error)) {
        return false;
    }
    input->consumed += *got;
    lw_hash_add(&input->hash, bytes, *got);
    return true;
}

static bool read_zstd(
    struct lw_input *input, void *bytes, size_t size, size_t *got, struct lw_error *error)
{
    ZSTD_outBuffer output = {bytes, size, 0};
    while (output.pos == 0) {
        if (input->taken == input->filled && !input->ended) {
            input->taken = input->filled = 0;
            if (!fill(input, error)) {
                return false;
            }
        }
        if (input->ended && input->taken == input->filled && input->frame_end == 0) {
            break;
        }
        ZSTD_inBuffer source = {input->raw, input->filled, input->taken};
        size_t before = source.pos;
        size_t code = ZSTD_decompressStream(input->decoder, &output, &source);
        if (ZSTD_isError(code)) {
            return lw_fail(error, LW_BAD_INPUT,
                "cannot decompress %s near byte %llu: %s. The file is damaged; `zstd -t` tests it",
                lw_file_path(input->file), (unsigned long long)input->consumed,
                ZSTD_getErrorName(code));
        }
        input->taken = source.pos;
        input->consumed += source.pos - before;
        lw_hash_add(&input->hash, input->raw + before, source.pos - before);
        input->frame_end = code;
        if (input->ended && source.pos == source.size && output.pos == 0 && code != 0) {
            return lw_fail(error, LW_BAD_INPUT,
                "cannot decompress %s: it ends in the middle of a zstd frame, after byte %llu. The "
                "file is cut short; get it again",
                lw_file_path(input->file), (unsigned long long)input->consumed);
        }
    }
    *got = output.pos;
    return true;
}

bool lw_input_read(
    struct lw_input *input, void *bytes, size_t size, size_t *got, struct lw_error *error)
{
    *got = 0;
    return input->decoder ? read_zstd(input, bytes, size, got, error)
                          : read_plain(input, bytes, size, got, error);
}

uint64_t lw_input_consumed(const struct lw_input *input)
{
    return input->consumed;
}

uint64_t lw_input_hash(const struct lw_input *input)
{
    return lw_hash_value(&input->hash);
}
