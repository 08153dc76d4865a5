// SPDX-License-Identifier: Apache-2.0
// A Hugging Face model folder: its tensors, over however many safetensors files, under one roof; and
// the writer of such a folder, which appears under its name whole or not at all. Tokenizer and
// config files are only carried over here; who needs their content reads them himself.
#ifndef LW_IO_CHECKPOINT_H
#define LW_IO_CHECKPOINT_H

#include "engine/base/error.h"
#include "engine/io/safetensors.h"

struct lw_checkpoint;

// Opens `folder`: model.safetensors when there is one, else model.safetensors.index.json and the
// shards that it names (the order in which transformers looks). LW_BAD_INPUT, naming file and tensor:
// no such file, a shard missing, a tensor of the index not in its shard, one in two shards.
bool lw_checkpoint_open(
    struct lw_checkpoint **checkpoint, const char *folder, struct lw_error *error);
void lw_checkpoint_close(struct lw_checkpoint *checkpoint); // NULL: nothing

const char *lw_checkpoint_folder(const struct lw_checkpoint *checkpoint);
size_t lw_checkpoint_count(const struct lw_checkpoint *checkpoint);

// In the order in which the bytes lie, shard by shard (by shard name); `index` < count.
const struct lw_tensor_info *lw_checkpoint_at(const struct lw_checkpoint *checkpoint, size_t index);

// NULL when there is none of this name.
const struct lw_tensor_info *lw_checkpoint_find(
    const struct lw_checkpoint *checkpoint, const char *name);

uint64_t lw_checkpoint_bytes(const struct lw_checkpoint *checkpoint); // of all tensors

// Reads `size` bytes of a tensor of this checkpoint from its byte `start` on; start + size <=
// info->bytes is the caller's duty. Several threads may read at a time.
bool lw_checkpoint_read(const struct lw_checkpoint *checkpoint, const struct lw_tensor_info *info,
    uint64_t start, void *bytes, size_t size, struct lw_error *error);

// A hint, as lw_safetensors_read_ahead.
void lw_checkpoint_read_ahead(const struct lw_checkpoint *checkpoint,
    const struct lw_tensor_info *info, uint64_t start, uint64_t size);

// After a failure of any of its functions a writer can only be destroyed.
struct lw_checkpoint_writer;

struct lw_checkpoint_params {
    const char *folder;                   // to be; must not exist, or be empty
    const struct lw_tensor_info *tensors; // name, dtype, rank and shape, in the order of writing
    size_t count;
    uint64_t shard_bytes; // the most in one file (one tensor may be more); 0: 5 * 10^9
    uint64_t more_bytes;  // of files that the caller puts beside, for the check of free space
    bool digests;         // the SHA-256 of each file of tensors is wanted
    // What decides the folder's bytes, as a text: whole shards of an interrupted run stay, and another
    // with the same text and `resume` goes on behind them. NULL: nothing stays.
    const char *key;
    bool resume;
};

// Checks the target and the free space (LW_BAD_INPUT, LW_FAILED with the missing amount), and begins
// in FOLDER.lewin-tmp beside it; one left by an interrupted run is removed first.
bool lw_checkpoint_writer_create(struct lw_checkpoint_writer **writer,
    const struct lw_checkpoint_params *params, struct lw_error *error);

// The next bytes of the tensors, one after the other in the given order; calls need not end where
// tensors do.
bool lw_checkpoint_writer_add(
    struct lw_checkpoint_writer *writer, const void *bytes, size_t size, struct lw_error *error);

// How many of the first tensors an earlier run has written: the next byte is of the one behind them.
size_t lw_checkpoint_writer_resumed(const struct lw_checkpoint_writer *writer);
// Whether anything would stay for another run.
bool lw_checkpoint_writer_keeps(const struct lw_checkpoint_writer *writer);

// Where the folder is being made: files that the caller puts there, and syncs, go along. Valid until
// finish.
const char *lw_checkpoint_writer_folder(const struct lw_checkpoint_writer *writer);

// A file beside the tensors: `name` without folders.
bool lw_checkpoint_writer_file(struct lw_checkpoint_writer *writer, const char *name,
    const void *bytes, size_t size, struct lw_error *error);

// Copies the files that make a model folder whole besides the weights (config, generation config,
// tokenizer, vocabulary, chat template), those that `source` has; a name written before is kept.
bool lw_checkpoint_writer_carry(
    struct lw_checkpoint_writer *writer, const char *source, struct lw_error *error);

// Ends the files of tensors, which must all be written; only files beside them may follow.
bool lw_checkpoint_writer_end_tensors(struct lw_checkpoint_writer *writer, struct lw_error *error);

// After that: the SHA-256 that was asked for of the file `name`; NULL: it is none of tensors.
const char *lw_checkpoint_writer_digest(
    const struct lw_checkpoint_writer *writer, const char *name);

// Ends the files, syncs everything and renames the folder into place.
bool lw_checkpoint_writer_finish(struct lw_checkpoint_writer *writer, struct lw_error *error);

// After finish: frees. Before: removes everything that was written too, but for whole shards where
// there is a key. NULL: nothing.
void lw_checkpoint_writer_destroy(struct lw_checkpoint_writer *writer);

#endif
