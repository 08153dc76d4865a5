// SPDX-License-Identifier: Apache-2.0
// The safetensors file format (github.com/huggingface/safetensors): 8 bytes little-endian with the
// length of a JSON header, the header, then the tensors' bytes. The reader trusts nothing: a header
// that lies is refused before any tensor is read, naming the file and the tensor. Tensors are read by
// position, whole or in parts, so memory stays bounded. The writer takes tensors in the order in which
// they were declared.
#ifndef LW_IO_SAFETENSORS_H
#define LW_IO_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/sha256.h"

enum { LW_TENSOR_MAX_RANK = 8 };

// The element types of the format. Those of a whole number of bytes can be read and written; what
// the rest of Lewin computes with is F32, F16 and BF16.
enum lw_dtype {
    LW_DTYPE_F32,
    LW_DTYPE_F16,
    LW_DTYPE_BF16,
    LW_DTYPE_F64,
    LW_DTYPE_I64,
    LW_DTYPE_I32,
    LW_DTYPE_I16,
    LW_DTYPE_I8,
    LW_DTYPE_U64,
    LW_DTYPE_U32,
    LW_DTYPE_U16,
    LW_DTYPE_U8,
    LW_DTYPE_BOOL,
    LW_DTYPE_F8_E4M3,
    LW_DTYPE_F8_E5M2,
    LW_DTYPE_F8_E8M0,
    LW_DTYPE_C64,
    LW_DTYPE_COUNT
};

const char *lw_dtype_name(enum lw_dtype dtype); // as in the files: "BF16"
size_t lw_dtype_size(enum lw_dtype dtype);      // bytes of an element
bool lw_dtype_find(const char *name, enum lw_dtype *dtype);

// Name, type and place of a tensor.
struct lw_tensor_info {
    const char *name; // belongs to the file's object
    enum lw_dtype dtype;
    int rank;
    uint64_t shape[LW_TENSOR_MAX_RANK]; // [0, rank), outermost first
    uint64_t offset;                    // of the first byte, from the start of the file
    uint64_t bytes;
};

// The product of the shape; 1 for rank 0.
uint64_t lw_tensor_elements(const struct lw_tensor_info *info);

bool lw_tensor_same_shape(const struct lw_tensor_info *left, const struct lw_tensor_info *right);

// Sets info->bytes from dtype, rank and shape; false when that is more than 2^63 - 1.
bool lw_tensor_set_bytes(struct lw_tensor_info *info);

struct lw_safetensors;

// Opens a file and reads its header. LW_BAD_INPUT when anything in it is not as the format demands:
// no tensor outside the file, none overlapping another, no byte between them, no name twice, sizes
// that fit shapes and types.
bool lw_safetensors_open(struct lw_safetensors **tensors, const char *path, struct lw_error *error);
void lw_safetensors_close(struct lw_safetensors *tensors); // NULL: nothing

size_t lw_safetensors_count(const struct lw_safetensors *tensors);
// In the order of their bytes in the file; `index` < count.
const struct lw_tensor_info *lw_safetensors_at(const struct lw_safetensors *tensors, size_t index);
// NULL when there is none of this name.
const struct lw_tensor_info *lw_safetensors_find(
    const struct lw_safetensors *tensors, const char *name);

// Reads `size` bytes of a tensor from its byte `start` on; start + size <= info->bytes is the caller's
// duty. Several threads may read at a time.
bool lw_safetensors_read(const struct lw_safetensors *tensors, const struct lw_tensor_info *info,
    uint64_t start, void *bytes, size_t size, struct lw_error *error);

// A hint: `size` bytes from the tensor's byte `start` on, which may be those of tensors behind it, will
// be read soon.
void lw_safetensors_read_ahead(const struct lw_safetensors *tensors,
    const struct lw_tensor_info *info, uint64_t start, uint64_t size);

struct lw_safetensors_writer;

// Creates `path` (which must not exist) and writes the header for `count` tensors: of `infos`, name,
// dtype, rank and shape are used. The metadata is {"format": "pt"}, as transformers wants it. `digest`
// asks for the SHA-256 of the file.
bool lw_safetensors_writer_create(struct lw_safetensors_writer **writer, const char *path,
    const struct lw_tensor_info *infos, size_t count, bool digest, struct lw_error *error);

// The next bytes of the tensors, one after the other in the declared order; calls need not end where
// tensors do. More bytes than were declared are refused as LW_FAILED.
bool lw_safetensors_writer_add(
    struct lw_safetensors_writer *writer, const void *bytes, size_t size, struct lw_error *error);

// Checks that all bytes came, and syncs the file.
bool lw_safetensors_writer_finish(struct lw_safetensors_writer *writer, struct lw_error *error);

// After finish: the SHA-256 that was asked for.
const char *lw_safetensors_writer_digest(const struct lw_safetensors_writer *writer);

// Closes; the file stays as it is. NULL: nothing.
void lw_safetensors_writer_destroy(struct lw_safetensors_writer *writer);

#endif
