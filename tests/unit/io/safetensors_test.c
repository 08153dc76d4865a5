// SPDX-License-Identifier: Apache-2.0
// engine/io/safetensors: a file of Hugging Face's own writer, hostile headers, and what we write.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/stringbuf.h"
#include "engine/io/safetensors.h"

#define PATH "safetensors_test.tmp"

// Writes a file of the given header, data of zeros, and a length field that may lie.
static void write_raw(const char *header, uint64_t says, size_t data_bytes)
{
    struct lw_string text = {0};
    for (int i = 0; i < 8; i++) {
        char byte = (char)(says >> 8 * i);
        lw_string_add(&text, &byte, 1, NULL);
    }
    lw_string_addf(&text, NULL, "%s", header);
    for (size_t i = 0; i < data_bytes; i++) {
        lw_string_add(&text, "", 1, NULL);
    }
    assert_true(lw_file_write_whole(PATH, text.data, text.length, NULL));
    lw_string_free(&text);
}

static void expect_refused(const char *what)
{
    struct lw_error error = {0};
    struct lw_safetensors *tensors;
    assert_false(lw_safetensors_open(&tensors, PATH, &error));
    assert_null(tensors);
    assert_int_equal(error.status, LW_BAD_INPUT);
    if (strncmp(error.message, PATH, strlen(PATH)) != 0 || !strstr(error.message, what)) {
        fail_msg("expected \"%s\" in: %s", what, error.message);
    }
}

#define ENTRY(dtype, shape, begin, end)                                                            \
    "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" begin "," end "]}"
#define TENSOR(shape, begin, end) "{\"a\":" ENTRY("F32", shape, begin, end) "}"

static void hostile_headers(void **state)
{
    (void)state;
    static const struct {
        const char *header, *message;
        size_t data;
    } cases[] = {
        {TENSOR("[2]", "0", "12"), "tensor a: 12 bytes of data, but its shape and dtype need 8",
            12},
        {TENSOR("[2]", "0", "8"), "tensor a: its data ends at byte 8, but the file has only 7", 7},
        {TENSOR("[2]", "0", "8"), "1 bytes at its end that no tensor uses", 9},
        {TENSOR("[2]", "4", "12"), "tensor a leaves a gap before it", 12},
        {TENSOR("[2]", "8", "0"), "\"data_offsets\" must be two integers", 8},
        {TENSOR("[2]", "-8", "0"), "\"data_offsets\" must be two integers", 8},
        {TENSOR("[2]", "0.5", "8.5"), "\"data_offsets\" must be two integers", 9},
        {TENSOR("[2]", "0", "1e300"), "\"data_offsets\" must be two integers", 9},
        {TENSOR("[2]", "0", "8,9"), "\"data_offsets\" must be two integers", 9},
        {TENSOR("[-2]", "0", "8"), "every entry of \"shape\" must be an integer", 8},
        {TENSOR("[2.5]", "0", "10"), "every entry of \"shape\" must be an integer", 10},
        {TENSOR("[\"2\"]", "0", "8"), "every entry of \"shape\" must be an integer", 8},
        {TENSOR("2", "0", "8"), "\"shape\" must be an array", 8},
        {TENSOR("[1,1,1,1,1,1,1,1,2]", "0", "8"), "more than 8 dimensions", 8},
        {TENSOR("[4294967296,4294967296]", "0", "0"), "absurd size", 0},
        {TENSOR("[3037000500,3037000500,3037000500]", "0", "8"), "absurd size", 8},
        {"{\"a\":" ENTRY("F33", "[2]", "0", "8") "}", "unknown dtype \"F33\"", 8},
        {"{\"a\":{\"dtype\":1,\"shape\":[2],\"data_offsets\":[0,8]}}", "\"dtype\" must be", 8},
        {"{\"a\":{\"shape\":[2],\"data_offsets\":[0,8]}}", "\"dtype\" is missing", 8},
        {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", "\"shape\" must be an array", 8},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", "\"data_offsets\" must be", 8},
        {"{\"a\":{\"dtype\":\"F32\",\"dtype\":\"I32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
            "\"dtype\" twice", 8},
        {"{\"a\":[]}", "tensor a must be a JSON object", 0},
        {"{\"a\":null}", "tensor a must be a JSON object", 0},
        {"{\"a\":" ENTRY("F32", "[2]", "0", "8") ",\"a\":" ENTRY("F32", "[2]", "8", "16") "}",
            "tensor a twice", 16},
        {"{\"a\":" ENTRY("F32", "[2]", "0", "8") ",\"b\":" ENTRY("F32", "[2]", "4", "12") "}",
            "tensor b overlaps", 12},
        {"{\"a\":" ENTRY("F32", "[2]", "0", "8") ",\"b\":" ENTRY("F32", "[2]", "0", "8") "}",
            "tensor b overlaps", 8},
        {"{\"a\":" ENTRY("F32", "[2]", "0", "8") ",\"b\":" ENTRY("F32", "[0]", "4", "4") "}",
            "overlaps", 8},
        {"{\"a\\u0000b\":" ENTRY("F32", "[2]", "0", "8") "}", "\\u0000 is not supported", 8},
        {"{\"a\\u001b[31m\":" ENTRY("F32", "[2]", "0", "8") "}", "control characters", 8},
        {"{\"\xFF\":" ENTRY("F32", "[2]", "0", "8") "}", "not UTF-8", 8},
        {"{\"__metadata__\":{\"n\":1}}", "\"__metadata__\" must be", 0},
        {"{\"__metadata__\":\"x\"}", "\"__metadata__\" must be", 0},
        {"{\"__metadata__\":{},\"__metadata__\":{}}", "\"__metadata__\" twice", 0},
        {"[]", "must be a JSON object", 0},
        {"", "ends too early", 0},
        {"{\"a\":", "ends too early", 0},
        {"{} x", "more text after", 0},
        {"{\"a\":{\"b\":{\"c\":{\"d\":{}}}}}", "nested too deep", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_raw(cases[i].header, strlen(cases[i].header), cases[i].data);
        expect_refused(cases[i].message);
    }
}

static void hostile_lengths(void **state)
{
    (void)state;
    assert_true(lw_file_write_whole(PATH, "", 0, NULL));
    expect_refused("it has only 0 bytes");
    assert_true(lw_file_write_whole(PATH, "\1\0\0\0\0\0\0", 7, NULL));
    expect_refused("it has only 7 bytes");
    static const uint64_t lengths[] = {3, 4096, 100000000, 100000001, (uint64_t)1 << 32,
        (uint64_t)1 << 63, UINT64_MAX, UINT64_MAX - 7};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        write_raw("{}", lengths[i], 0);
        expect_refused("its first 8 bytes say");
    }
    write_raw("{}", 0, 0);
    expect_refused("ends too early");
}

// The start of a file, of any length, is refused.
static void cut_files(void **state)
{
    (void)state;
    const char *header = TENSOR("[2,1]", "0", "8");
    write_raw(header, strlen(header), 8);
    char *bytes;
    size_t size;
    assert_true(lw_file_read_whole(PATH, 1000, &bytes, &size, NULL));
    for (size_t length = 0; length < size; length++) {
        assert_true(lw_file_write_whole(PATH, bytes, length, NULL));
        expect_refused("");
    }
    lw_free(bytes);
}

static struct lw_safetensors *open_dtypes(struct lw_error *error)
{
    char path[1024];
    struct lw_safetensors *tensors;
    const char *folder = getenv("LEWIN_TEST_DATA");
    snprintf(
        path, sizeof path, "%s/safetensors/dtypes.safetensors", folder ? folder : "tests/data");
    lw_safetensors_open(&tensors, path, error);
    return tensors;
}

// tests/data/safetensors/dtypes.safetensors is of safetensors.torch.save_file.
static void their_file_is_read(void **state)
{
    (void)state;
    struct lw_error error = {0};
    struct lw_safetensors *tensors = open_dtypes(&error);
    assert_string_equal(error.message, "");
    assert_int_equal(lw_safetensors_count(tensors), 13);

    static const float floats[6] = {0, 0.25f, 0.5f, 0.75f, 1, 1.25f};
    static const uint16_t bf16[3] = {0x3FC0, 0xC000, 0x7F80}, f16[2] = {0x2E66, 0xFBFF};
    static const int64_t i64 = 7;
    static const int32_t i32 = -70000;
    static const int16_t i16 = -3;
    static const double f64 = 1e300;
    static const float one = 1;
    static const struct {
        const char *name;
        enum lw_dtype dtype;
        int rank;
        uint64_t shape[2];
        const void *bytes;
        size_t size;
    } expected[] = {
        {"a.weight", LW_DTYPE_F32, 2, {2, 3}, floats, 24},
        {"b", LW_DTYPE_BF16, 1, {3}, bf16, 6},
        {"c", LW_DTYPE_I64, 0, {0}, &i64, 8},
        {"empty", LW_DTYPE_F32, 2, {0, 4}, "", 0},
        {"e f16", LW_DTYPE_F16, 1, {2}, f16, 4},
        {"bool", LW_DTYPE_BOOL, 1, {3}, "\1\0\1", 3},
        {"i8", LW_DTYPE_I8, 1, {2}, "\x80\x7F", 2},
        {"u8", LW_DTYPE_U8, 1, {2}, "\x00\xFF", 2},
        {"i16", LW_DTYPE_I16, 1, {1}, &i16, 2},
        {"i32", LW_DTYPE_I32, 1, {1}, &i32, 4},
        {"f64", LW_DTYPE_F64, 1, {1}, &f64, 8},
        {"fp8", LW_DTYPE_F8_E4M3, 1, {2}, "\x38\x40", 2},
        {"quote \"\\ \xC3\xA9", LW_DTYPE_F32, 1, {1}, &one, 4},
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        const struct lw_tensor_info *info = lw_safetensors_find(tensors, expected[i].name);
        assert_non_null(info);
        assert_int_equal(info->dtype, expected[i].dtype);
        assert_int_equal(info->rank, expected[i].rank);
        assert_memory_equal(info->shape, expected[i].shape, (size_t)info->rank * sizeof(uint64_t));
        assert_int_equal(info->bytes, expected[i].size);
        char bytes[24];
        assert_true(lw_safetensors_read(tensors, info, 0, bytes, expected[i].size, &error));
        assert_memory_equal(bytes, expected[i].bytes, expected[i].size);
        size_t half = expected[i].size / 2; // a part from the middle on
        assert_true(
            lw_safetensors_read(tensors, info, half, bytes, expected[i].size - half, &error));
        assert_memory_equal(bytes, (const char *)expected[i].bytes + half, expected[i].size - half);
    }
    assert_null(lw_safetensors_find(tensors, "absent"));
    assert_null(lw_safetensors_find(tensors, ""));
    lw_safetensors_close(tensors);
}

static void open_survives_allocation_failures(void **state)
{
    (void)state;
    struct lw_safetensors *tensors = NULL;
    for (long n = 0; !tensors; n++) {
        struct lw_error error = {0};
        lw_memory_fail_after(n);
        tensors = open_dtypes(&error);
        lw_memory_fail_after(-1);
        assert_int_equal(error.status, tensors ? LW_OK : LW_NO_RESOURCE);
    }
    lw_safetensors_close(tensors);
}

static void ours_is_read_back(void **state)
{
    (void)state;
    // Odd sizes before larger elements: the writer must align, whatever the order of the calls.
    static const struct lw_tensor_info infos[] = {
        {.name = "odd \"bf16\"", .dtype = LW_DTYPE_BF16, .rank = 1, .shape = {3}},
        {.name = "byte", .dtype = LW_DTYPE_U8, .rank = 0},
        {.name = "none", .dtype = LW_DTYPE_F32, .rank = 2, .shape = {0, 5}},
        {.name = "floats", .dtype = LW_DTYPE_F32, .rank = 2, .shape = {2, 2}},
        {.name = "wide", .dtype = LW_DTYPE_I64, .rank = 1, .shape = {1}},
    };
    static const char data[6 + 1 + 16 + 8 + 1] = "bbbbbbBffffffffffffffffwwwwwwww";
    struct lw_error error = {0};
    struct lw_safetensors_writer *writer;
    lw_file_remove(PATH, NULL);
    assert_true(lw_safetensors_writer_create(&writer, PATH, infos, 5, false, &error));
    for (size_t at = 0; at < 31; at += 4) { // across the borders of tensors
        assert_true(lw_safetensors_writer_add(writer, data + at, at + 4 > 31 ? 3 : 4, &error));
    }
    assert_true(lw_safetensors_writer_finish(writer, &error));
    assert_false(lw_safetensors_writer_add(writer, "x", 1, NULL));
    lw_safetensors_writer_destroy(writer);

    struct lw_safetensors *tensors;
    assert_true(lw_safetensors_open(&tensors, PATH, &error));
    assert_int_equal(lw_safetensors_count(tensors), 5);
    const char *position = data;
    for (size_t i = 0; i < 5; i++) {
        const struct lw_tensor_info *info = lw_safetensors_find(tensors, infos[i].name);
        assert_non_null(info);
        assert_int_equal(info->dtype, infos[i].dtype);
        assert_int_equal(info->rank, infos[i].rank);
        assert_int_equal(info->offset % lw_dtype_size(info->dtype), 0);
        char bytes[16];
        assert_true(lw_safetensors_read(tensors, info, 0, bytes, info->bytes, &error));
        assert_memory_equal(bytes, position, info->bytes);
        position += info->bytes;
    }
    assert_int_equal(lw_safetensors_at(tensors, 0)->offset % 8, 0);
    lw_safetensors_close(tensors);

    // An existing file is not overwritten; an unfinished one is not passed off as whole.
    assert_false(lw_safetensors_writer_create(&writer, PATH, infos, 5, false, &error));
    assert_int_equal(error.status, LW_BAD_INPUT);
    assert_true(lw_file_remove(PATH, NULL));
    assert_true(lw_safetensors_writer_create(&writer, PATH, infos, 5, false, NULL));
    assert_true(lw_safetensors_writer_add(writer, data, 30, NULL));
    assert_false(lw_safetensors_writer_finish(writer, NULL));
    lw_safetensors_writer_destroy(writer);
    lw_safetensors_writer_destroy(NULL);
}

static void dtypes_have_names(void **state)
{
    (void)state;
    for (int i = 0; i < LW_DTYPE_COUNT; i++) {
        enum lw_dtype found;
        assert_true(lw_dtype_find(lw_dtype_name((enum lw_dtype)i), &found));
        assert_int_equal(found, i);
        assert_true(lw_dtype_size(found) >= 1 && lw_dtype_size(found) <= 8);
    }
}

static int tear_down(void **state)
{
    (void)state;
    return lw_file_remove(PATH, NULL) ? 0 : 1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_headers),
        cmocka_unit_test(hostile_lengths),
        cmocka_unit_test(cut_files),
        cmocka_unit_test(their_file_is_read),
        cmocka_unit_test(open_survives_allocation_failures),
        cmocka_unit_test(ours_is_read_back),
        cmocka_unit_test(dtypes_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
