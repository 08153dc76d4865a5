// SPDX-License-Identifier: Apache-2.0
// The writer of model folders, as checkpoint_writer.c and checkpoint_resume.c see it.
#ifndef LW_IO_CHECKPOINT_PRIVATE_H
#define LW_IO_CHECKPOINT_PRIVATE_H

#include "engine/base/stringbuf.h"
#include "engine/io/checkpoint.h"

struct lw_checkpoint_writer {
    struct lw_string folder, beside; // the target, and where it is being made
    struct lw_tensor_info *infos;    // names owned, bytes set
    size_t *shard_of;                // per tensor
    size_t count, shard_count;
    uint64_t bytes, more_bytes; // of the tensors, and of what the caller puts beside

    struct lw_safetensors_writer *shard; // being written; NULL before the first and after the last
    size_t current;                      // its number
    size_t tensor;                       // that the next byte belongs to
    uint64_t written;                    // bytes of it
    char (*digests)[LW_SHA256_TEXT];     // [shard_count] of what is written; NULL: not wanted
    size_t resumed;                      // tensors that an earlier run has written
    bool keeps; // whole shards stay after a failure, for lw_checkpoint_resume
    bool ended, finished;
};

// "model.safetensors", or that of one of several.
bool lw_checkpoint_shard_name(const struct lw_checkpoint_writer *writer, size_t shard,
    struct lw_string *name, struct lw_error *error);

// Whether there is a file in the writer's folder that says `key`: it can be gone on with. LW_BAD_INPUT
// where it says something else.
bool lw_checkpoint_can_resume(
    const struct lw_checkpoint_writer *writer, const char *key, bool *can, struct lw_error *error);

// Puts that file there.
bool lw_checkpoint_keep(
    struct lw_checkpoint_writer *writer, const char *key, struct lw_error *error);

// Goes to the first shard that is not whole, and removes all files but the whole ones.
bool lw_checkpoint_resume(struct lw_checkpoint_writer *writer, struct lw_error *error);

// Removes the file again, when the folder is complete.
bool lw_checkpoint_forget(struct lw_checkpoint_writer *writer, struct lw_error *error);

#endif
