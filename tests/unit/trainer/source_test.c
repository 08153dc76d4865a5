// SPDX-License-Identifier: Apache-2.0
// trainer/data/source: names of dataset_info.json and paths to files and formats, and a reason for each
// entry that cannot be served.
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
#include "engine/base/folder.h"
#include "engine/base/stringbuf.h"
#include "tests/unit/trainer/scratch.h"
#include "trainer/data/source.h"

static char *folder; // with dataset_info.json and some data

static void put(const char *name, const char *text)
{
    struct lw_string path = {0};
    assert_true(lw_path_join(&path, folder, name, NULL));
    assert_true(lw_file_write_whole(path.data, text, strlen(text), NULL));
    lw_string_free(&path);
}

static void make_folder(const char *name)
{
    struct lw_string path = {0};
    assert_true(lw_path_join(&path, folder, name, NULL));
    assert_true(lw_folder_create(path.data, NULL));
    lw_string_free(&path);
}

static const char info[] =
    "{\n"
    "\"plain\": {\"file_name\": \"one.json\"},\n"
    "\"chat\": {\"file_name\": \"parts\", \"formatting\": \"sharegpt\", \"num_samples\": 7,\n"
    "  \"split\": \"train\", \"ranking\": false, \"subset\": null, \"license\": \"MIT\",\n"
    "  \"columns\": {\"messages\": \"messages\", \"system\": \"sys\", \"tools\": null},\n"
    "  \"tags\": {\"role_tag\": \"role\", \"content_tag\": \"content\", \"user_tag\": \"user\",\n"
    "    \"assistant_tag\": \"assistant\"}},\n"
    "\"pairs\": {\"file_name\": \"one.json\",\n"
    "  \"columns\": {\"prompt\": \"q\", \"response\": \"a\", \"history\": \"before\"}}\n"
    "}\n";

static int set_up(void **state)
{
    (void)state;
    folder = scratch_path("sources");
    assert_true(lw_folder_create(folder, NULL));
    put("dataset_info.json", info);
    put("one.json", "[]");
    put("table.csv", "a,b\n");
    put("table.tsv", "a\tb\n");
    make_folder("parts");
    put("parts/b.jsonl.zst", "");
    put("parts/a.json", "");
    make_folder("mixed");
    put("mixed/a.json", "");
    put("mixed/b.txt", "");
    make_folder("deep");
    make_folder("deep/er");
    make_folder("empty");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    bool removed = lw_folder_remove(folder, NULL);
    free(folder);
    return removed ? 0 : 1;
}

// Resolves `count` names with `dataset_dir`.
static bool resolve(struct lw_sources *sources, const char *dataset_dir, const char *const *names,
    size_t count, struct lw_error *error)
{
    char *items[4];
    assert_true(count <= 4);
    memcpy(items, names, count * sizeof items[0]);
    const struct lw_option_list list = {items, count};
    return lw_sources_resolve(sources, &list, dataset_dir, error);
}

static void check_path(const struct lw_source *source, size_t index, const char *name)
{
    struct lw_string path = {0};
    assert_true(lw_path_join(&path, folder, name, NULL));
    assert_string_equal(source->paths[index], path.data);
    lw_string_free(&path);
}

static void finds_entries_and_files(void **state)
{
    (void)state;
    struct lw_sources sources = {0};
    struct lw_error error = {0};
    static const char *const names[] = {"chat", "plain", "pairs", "parts"};
    assert_true(resolve(&sources, folder, names, 4, &error));
    assert_int_equal(sources.count, 4);

    const struct lw_source *chat = &sources.items[0];
    assert_string_equal(chat->name, "chat");
    assert_int_equal(chat->path_count, 2);
    check_path(chat, 0, "parts/a.json");
    check_path(chat, 1, "parts/b.jsonl.zst");
    assert_int_equal(chat->num_samples, 7);
    assert_int_equal(chat->format.layout, LW_LAYOUT_SHAREGPT);
    assert_string_equal(chat->format.messages, "messages");
    assert_string_equal(chat->format.system, "sys");
    assert_null(chat->format.tools);
    assert_string_equal(chat->format.role_tag, "role");
    assert_string_equal(chat->format.assistant_tag, "assistant");
    assert_null(chat->format.system_tag); // left out of "tags": LLaMA-Factory then knows none

    const struct lw_source *plain = &sources.items[1];
    assert_int_equal(plain->path_count, 1);
    check_path(plain, 0, "one.json");
    assert_int_equal(plain->num_samples, 0);
    assert_int_equal(plain->format.layout, LW_LAYOUT_ALPACA);
    assert_string_equal(plain->format.query, "input");
    assert_null(plain->format.history);

    const struct lw_source *pairs = &sources.items[2];
    assert_string_equal(pairs->format.prompt, "q");
    assert_string_equal(pairs->format.history, "before");
    assert_null(pairs->format.query);

    assert_int_equal(sources.items[3].path_count, 2); // the folder itself, no entry
    assert_int_equal(sources.items[3].format.layout, LW_LAYOUT_ANY);
    lw_sources_free(&sources);
    lw_sources_free(&sources);
}

static void takes_paths_without_a_folder(void **state)
{
    (void)state;
    struct lw_sources sources = {0};
    struct lw_error error = {0};
    struct lw_string path = {0};
    assert_true(lw_path_join(&path, folder, "one.json", NULL));
    const char *const names[] = {path.data};
    assert_true(resolve(&sources, NULL, names, 1, &error));
    assert_int_equal(sources.items[0].path_count, 1);
    assert_string_equal(sources.items[0].paths[0], path.data);
    lw_sources_free(&sources);
    lw_string_free(&path);
}

#define ENTRY(keys) "{\"x\": {\"file_name\": \"one.json\", " keys "}}"
#define SHAREGPT(keys) ENTRY("\"formatting\": \"sharegpt\", " keys)

static const struct {
    const char *info, *name;
    const char *part; // of the message
} mistakes[] = {
    {info, "absent", "no entry of that name in"},
    {info, "plan", "did you mean plain?"},
    {info, "table.csv", "csv files are not read; write it as JSON Lines"},
    {info, "table.tsv", "load_dataset(\"csv\", data_files=\"table.tsv\", sep=\"\\t\", split="},
    {info, "mixed", "are of different types"},
    {info, "deep", "is a folder inside a folder"},
    {info, "empty", "there is no file in the folder"},
    {"[]", "x", "dataset_info.json"},
    {"{\"x\": 1}", "x", "object"},
    {"{\"x\": {}}", "x", "\"file_name\""},
    {"{\"x\": {\"file_name\": \"\"}}", "x", "\"file_name\" is empty"},
    {"{\"x\": {\"file_name\": \"gone.json\"}}", "x", "there is no file or folder"},
    {"{\"x\": {\"hf_hub_url\": \"a/b\"}}", "x", "\"hf_hub_url\": nothing is downloaded here"},
    {"{\"x\": {\"ms_hub_url\": \"a/b\"}}", "x", "\"ms_hub_url\": nothing is downloaded"},
    {"{\"x\": {\"script_url\": \"a.py\"}}", "x", "\"script_url\": scripts are not run"},
    {"{\"x\": {\"cloud_file_name\": \"s3://a\"}}", "x", "\"cloud_file_name\": nothing is"},
    {ENTRY("\"ranking\": true"), "x", "\"ranking\": pairs of preferences"},
    {ENTRY("\"subset\": \"en\""), "x", "\"subset\": a local file has no subsets"},
    {ENTRY("\"folder\": \"en\""), "x", "\"folder\": for a local folder"},
    {ENTRY("\"split\": \"test\""), "x", "\"split\": a local file is all \"train\""},
    {ENTRY("\"num_samples\": 0"), "x", "\"num_samples\""},
    {ENTRY("\"num_samples\": 1.5"), "x", "\"num_samples\""},
    {ENTRY("\"colums\": {}"), "x", "unknown key \"colums\"; did you mean \"columns\"?"},
    {ENTRY("\"formatting\": \"openai\""), "x", "for OpenAI's messages say sharegpt"},
    {ENTRY("\"formatting\": \"text\""), "x", "formatting is alpaca or sharegpt, not \"text\""},
    {ENTRY("\"columns\": []"), "x", "\"columns\""},
    {ENTRY("\"columns\": {\"prompt\": 1}"), "x", "\"prompt\""},
    {ENTRY("\"columns\": {\"prompt\": \"\"}"), "x", "\"prompt\" is empty"},
    {ENTRY("\"columns\": {\"prompt\": \"q\"}"), "x", "does not give columns: response"},
    {ENTRY("\"columns\": {\"response\": \"a\"}"), "x", "does not give columns: prompt"},
    {ENTRY("\"columns\": {\"promt\": \"q\"}"), "x", "unknown key \"promt\"; did you mean"},
    {ENTRY("\"columns\": {\"images\": \"q\"}"), "x", "\"images\": images, videos and sounds"},
    {ENTRY("\"columns\": {\"kto_tag\": \"q\"}"), "x", "\"kto_tag\": preferences are for other"},
    {SHAREGPT("\"columns\": {\"system\": \"s\"}"), "x", "does not give columns: messages"},
    {SHAREGPT("\"tags\": {\"role_tag\": \"r\"}"), "x", "does not give tags: content_tag"},
    {SHAREGPT("\"tags\": {\"role\": \"r\"}"), "x", "unknown key \"role\""},
};

static void names_what_is_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        struct lw_sources sources = {0};
        struct lw_error error = {0};
        put("dataset_info.json", mistakes[i].info);
        assert_false(resolve(&sources, folder, &mistakes[i].name, 1, &error));
        assert_int_equal(error.status, LW_BAD_INPUT);
        if (!strstr(error.message, mistakes[i].part)) {
            fail_msg("\"%s\" is not in \"%s\"", mistakes[i].part, error.message);
        }
        lw_sources_free(&sources);
    }
    put("dataset_info.json", info);
}

static void refuses_names_and_folders(void **state)
{
    (void)state;
    static const struct {
        const char *dataset_dir, *names[2];
        const char *part;
    } rows[] = {
        {NULL, {"a", "a"}, "\"a\" is named twice"},
        {"ONLINE", {"a", "b"}, "dataset_dir: ONLINE: nothing is downloaded"},
        {"REMOTE:a/b", {"a", "b"}, "dataset_dir: REMOTE:a/b: nothing is downloaded"},
        {"no-such-folder", {"a", "b"}, "there is no no-such-folder/dataset_info.json to name it"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct lw_sources sources = {0};
        struct lw_error error = {0};
        assert_false(resolve(&sources, rows[i].dataset_dir, rows[i].names, 2, &error));
        assert_int_equal(error.status, LW_BAD_INPUT);
        if (!strstr(error.message, rows[i].part)) {
            fail_msg("\"%s\" is not in \"%s\"", rows[i].part, error.message);
        }
        lw_sources_free(&sources);
    }
}

static void a_file_that_is_not_there_has_the_source_s_name(void **state)
{
    (void)state;
    char name[] = "set", first[] = "a.json", second[] = "b.json";
    char *paths[] = {first, second};
    const struct lw_source source = {.name = name, .paths = paths, .path_count = 2};
    assert_ptr_equal(lw_source_path(&source, 1), second);
    assert_ptr_equal(lw_source_path(&source, 2), name);
    assert_ptr_equal(lw_source_path(&source, UINT32_MAX), name);
}

static void nothing_leaks_without_memory(void **state)
{
    (void)state;
    static const char *const names[] = {"chat", "plain"};
    bool resolved = false;
    for (long successes = 0; !resolved; successes++) {
        struct lw_sources sources = {0};
        struct lw_error error = {0};
        lw_memory_fail_after(successes);
        resolved = resolve(&sources, folder, names, 2, &error);
        lw_memory_fail_after(-1);
        assert_int_equal(error.status, resolved ? LW_OK : LW_NO_RESOURCE);
        lw_sources_free(&sources);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_entries_and_files),
        cmocka_unit_test(takes_paths_without_a_folder),
        cmocka_unit_test(names_what_is_wrong),
        cmocka_unit_test(refuses_names_and_folders),
        cmocka_unit_test(a_file_that_is_not_there_has_the_source_s_name),
        cmocka_unit_test(nothing_leaks_without_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
