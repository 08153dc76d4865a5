// SPDX-License-Identifier: Apache-2.0
// `lewin devices`: every Vulkan device, best first, with what Lewin can do on it and which one a run
// would take.
#include <inttypes.h>
#include <string.h>

#include <cJSON.h>

#include "cli/command.h"
#include "cli/device_options.h"
#include "engine/base/host_memory.h"
#include "engine/ops/matmul.h"

struct flags {
    struct lw_device_options options;
    bool json;
};

static const struct lw_flag flags_table[] = {
    {"json", LW_FLAG_SWITCH, offsetof(struct flags, json), NULL, "print JSON"},
    {"device", LW_FLAG_TEXT, offsetof(struct flags, options.device), "INDEX|NAME",
        "mark the device that this selects"},
    {"hide-caps", LW_FLAG_TEXT, offsetof(struct flags, options.hide_caps), "LIST",
        "do as if the devices lacked these capabilities"},
    {"cache", LW_FLAG_TEXT, offsetof(struct flags, options.cache), "DIR",
        "where compiled kernels and what was measured are kept (default: the user's cache folder)"},
    {"tune", LW_FLAG_TEXT, offsetof(struct flags, options.tune), "off|fast|full",
        "full: test the matrix kernels anew"},
    {NULL, LW_FLAG_SWITCH, 0, NULL, NULL},
};

static const char *const kinds[] = {[LW_DEVICE_OTHER] = "other",
    [LW_DEVICE_CPU] = "cpu",
    [LW_DEVICE_INTEGRATED] = "integrated",
    [LW_DEVICE_DISCRETE] = "discrete"};

static bool is_unified(const struct lw_caps *caps)
{
    return (caps->features & LW_FEATURE_UNIFIED_MEMORY) != 0;
}

// Devices that use main memory have no more of it free than the machine.
static uint64_t memory_free(const struct lw_caps *caps)
{
    uint64_t available = lw_host_memory_now().available;
    bool on_host = caps->kind == LW_DEVICE_CPU || is_unified(caps);
    if (!on_host || !available) {
        return caps->memory_free;
    }
    available = available < caps->memory_total ? available : caps->memory_total;
    return caps->memory_free && caps->memory_free < available ? caps->memory_free : available;
}

static void print_size(const char *name, uint64_t bytes)
{
    if (bytes) {
        printf("%s%.1f GiB", name, (double)bytes / (1 << 30));
    } else {
        printf("%snot known", name);
    }
}

static void print_memory(const struct lw_caps *caps)
{
    print_size("    memory          ", caps->memory_total);
    print_size(", free now ", memory_free(caps));
    print_size(", at most ", caps->max_allocation);
    printf(" in one piece%s\n", is_unified(caps) ? "; shared with the host" : "");
}

static void print_features(uint32_t features)
{
    printf("    capabilities   ");
    for (uint32_t i = 0; i < LW_FEATURE_COUNT; i++) {
        if (features & 1u << i) {
            printf(" %s", lw_feature_name((enum lw_feature)(1u << i)));
        }
    }
    puts(features ? "" : " none");
}

// Of an open device; `reason` why it could not be opened else.
static void print_matrix_kernels(const struct lw_device *device, const char *reason)
{
    bool first = true;
    printf("    matrix kernels ");
    for (size_t i = 0; device && lw_matmul_variant_name(i); i++) {
        if (!lw_matmul_variant_refusal(i, device)) {
            printf("%s%s%s", first ? " " : ", ", lw_matmul_variant_name(i), first ? " (used)" : "");
            first = false;
        }
    }
    puts(device ? "" : reason);
    for (size_t i = 0; device && lw_matmul_variant_name(i); i++) {
        const char *refusal = lw_matmul_variant_refusal(i, device);
        if (refusal && *refusal) {
            printf("                    not used: %s (%s)\n", lw_matmul_variant_name(i), refusal);
        }
    }
}

static void print_device(size_t index, const struct lw_caps *caps, bool selected,
    const struct lw_device *device, const char *reason)
{
    printf("%c %zu: %s\n", selected ? '*' : ' ', index, caps->name);
    if (caps->unusable[0]) {
        printf("    cannot be used: %s\n", caps->unusable);
        return;
    }
    printf("    kind            %s, Vulkan %" PRIu32 ".%" PRIu32 ".%" PRIu32 "\n",
        kinds[caps->kind], caps->vulkan_version >> 22 & 0x7f, caps->vulkan_version >> 12 & 0x3ff,
        caps->vulkan_version & 0xfff);
    printf("    driver          %s\n", caps->driver);
    print_memory(caps);
    printf("    subgroup        %" PRIu32, caps->subgroup_size);
    if (caps->min_subgroup_size != caps->max_subgroup_size) {
        printf(
            " (from %" PRIu32 " to %" PRIu32 ")", caps->min_subgroup_size, caps->max_subgroup_size);
    }
    printf("\n    shared memory   %" PRIu32 " KiB\n", caps->shared_memory / 1024);
    printf("    element types   float32, bfloat16, float16 in memory; arithmetic in float32%s\n",
        caps->features & LW_FEATURE_FLOAT16 ? ", float16" : "");
    print_matrix_kernels(device, reason);
    print_features(caps->features);
}

static void add_number(cJSON *object, const char *name, uint64_t value)
{
    cJSON_AddNumberToObject(object, name, (double)value);
}

static void add_lists(cJSON *object, const struct lw_caps *caps, const struct lw_device *device)
{
    cJSON *types = cJSON_AddArrayToObject(object, "storage_types");
    cJSON *arithmetic = cJSON_AddArrayToObject(object, "arithmetic_types");
    cJSON *kernels = cJSON_AddArrayToObject(object, "matrix_kernels");
    cJSON *refused = cJSON_AddObjectToObject(object, "matrix_kernels_refused");
    cJSON *features = cJSON_AddArrayToObject(object, "capabilities");
    static const char *const storage[] = {"float32", "bfloat16", "float16"};
    for (size_t i = 0; i < sizeof storage / sizeof *storage; i++) {
        cJSON_AddItemToArray(types, cJSON_CreateString(storage[i]));
    }
    cJSON_AddItemToArray(arithmetic, cJSON_CreateString("float32"));
    if (caps->features & LW_FEATURE_FLOAT16) {
        cJSON_AddItemToArray(arithmetic, cJSON_CreateString("float16"));
    }
    for (size_t i = 0; lw_matmul_variant_name(i); i++) {
        const char *refusal = device ? lw_matmul_variant_refusal(i, device) : "";
        if (!refusal) {
            cJSON_AddItemToArray(kernels, cJSON_CreateString(lw_matmul_variant_name(i)));
        } else if (*refusal) {
            cJSON_AddStringToObject(refused, lw_matmul_variant_name(i), refusal);
        }
    }
    for (uint32_t i = 0; i < LW_FEATURE_COUNT; i++) {
        if (caps->features & 1u << i) {
            const char *name = lw_feature_name((enum lw_feature)(1u << i));
            cJSON_AddItemToArray(features, cJSON_CreateString(name));
        }
    }
}

static cJSON *device_object(
    size_t index, const struct lw_caps *caps, bool selected, const struct lw_device *device)
{
    cJSON *object = cJSON_CreateObject();
    char version[32];
    snprintf(version, sizeof version, "%" PRIu32 ".%" PRIu32 ".%" PRIu32,
        caps->vulkan_version >> 22 & 0x7f, caps->vulkan_version >> 12 & 0x3ff,
        caps->vulkan_version & 0xfff);
    add_number(object, "index", index);
    cJSON_AddStringToObject(object, "name", caps->name);
    cJSON_AddBoolToObject(object, "selected", selected);
    if (caps->unusable[0]) {
        cJSON_AddStringToObject(object, "unusable", caps->unusable);
        return object;
    }
    cJSON_AddStringToObject(object, "kind", kinds[caps->kind]);
    cJSON_AddStringToObject(object, "driver", caps->driver);
    cJSON_AddStringToObject(object, "vulkan", version);
    add_number(object, "memory_total", caps->memory_total);
    add_number(object, "memory_free", memory_free(caps));
    add_number(object, "max_allocation", caps->max_allocation);
    cJSON_AddBoolToObject(object, "unified_memory", is_unified(caps));
    add_number(object, "subgroup_size", caps->subgroup_size);
    add_number(object, "min_subgroup_size", caps->min_subgroup_size);
    add_number(object, "max_subgroup_size", caps->max_subgroup_size);
    add_number(object, "shared_memory", caps->shared_memory);
    add_lists(object, caps, device);
    return object;
}

// Adds every device to `list`, or prints it where that is NULL.
static bool show_devices(struct lw_session *session, const struct lw_device_options *options,
    size_t selected, cJSON *list, struct lw_error *error)
{
    uint32_t hidden;
    if (!lw_features_parse(options->hide_caps, &hidden, error)) {
        return false;
    }
    for (size_t i = 0; i < lw_instance_device_count(session->instance); i++) {
        struct lw_caps caps = *lw_instance_caps(session->instance, i);
        struct lw_error reason = {0}; // a device that fails does not hide the others
        caps.features &= ~hidden;
        if (!caps.unusable[0]) {
            lw_session_open_device(session, options, i, &reason);
        }
        if (list) {
            cJSON_AddItemToArray(list, device_object(i, &caps, i == selected, session->device));
        } else {
            print_device(i, &caps, i == selected, session->device, reason.message);
        }
        lw_session_close_device(session);
    }
    return true;
}

static bool print_json(struct lw_session *session, const struct lw_device_options *options,
    size_t selected, struct lw_error *error)
{
    cJSON *list = cJSON_CreateArray();
    bool shown = list && show_devices(session, options, selected, list, error);
    char *text = shown ? cJSON_Print(list) : NULL;
    cJSON_Delete(list);
    if (!text) {
        return shown ? lw_fail_memory(error, "the list of devices", 0) : false;
    }
    puts(text);
    cJSON_free(text);
    return true;
}

static bool run(int argc, char **argv, struct lw_error *error)
{
    struct flags flags = {0};
    struct lw_session session;
    uint32_t hidden;
    int count;
    if (!lw_arguments_parse(flags_table, &flags, argc, argv, &count, error) ||
        !lw_features_parse(flags.options.hide_caps, &hidden, error)) {
        return false;
    }
    if (count) {
        return lw_fail(error, LW_USAGE, "devices takes no argument \"%s\"", argv[0]);
    }
    if (!lw_session_open_instance(&session, error)) {
        return false;
    }
    // With only unusable devices the list says why; the command still fails, as a run would.
    size_t selected = lw_instance_device_count(session.instance);
    bool found = lw_instance_select(session.instance, flags.options.device, &selected, error);
    bool shown = flags.json ? print_json(&session, &flags.options, selected, error)
                            : show_devices(&session, &flags.options, selected, NULL, error);
    return lw_session_close(&session, found && shown, error);
}

const struct lw_command lw_command_devices = {
    .name = "devices",
    .summary = "Lists the Vulkan devices, best first, and what Lewin can do on them",
    .usage = "lewin devices [--json] [--device INDEX|NAME] [--hide-caps LIST] [--cache DIR]\n"
             "                     [--tune full]",
    .details = "The device marked * is the one that a run takes; --device chooses another.\n",
    .flags = flags_table,
    .run = run,
};
