// SPDX-License-Identifier: Apache-2.0
// Checks every kernel that the device can run against double-precision references, or times it, or
// compiles it and prints what the driver's compiler made of it (also for a GPU that is not there).
// usage: kernelcheck [--bench] [--list] [--compile [--each] [--matrices]] [--kernel NAME]
//                    [--device SELECTOR] [--seed N] [--cases N] [--processor-time]
//                    [--hide-caps NAME[,NAME...]] [--require NAME[,NAME...]]
// --require fails the run unless for each name a kernel was run whose name begins with it. Where
// --cases is not given, LEWIN_CHECK_CASES in the environment says how many.
// Without --hide-caps a CPU device is checked again with its "cpu" capability hidden, which runs
// the kernels that GPUs get, and on a device with matrix cores those kernels that use them are
// checked with one kind of matrix after another hidden.
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/gpu/driver_settings.h"
#include "engine/gpu/profile.h"
#include "tests/kernels/check_private.h"
#include "tests/require.h"

#define CHECK_ROW(name) {#name, check_##name},
static const struct {
    const char *name;
    void (*run)(struct check *check);
} rows[] = {CHECK_TABLE(CHECK_ROW)};

// The rows whose kernels come for matrix cores too.
static const char *const matrix_rows[] = {"attention", "matmul"};

struct options {
    enum check_mode mode;
    const char *kernel, *device, *required;
    uint64_t seed;
    unsigned cases;
    uint32_t hidden;
    bool hide_given, processor_time;
    bool matrices;                     // compile nothing but what matrix cores run
    bool each;                         // pipeline gets a row in --compile's table
    struct check_pipelines *pipelines; // of --compile, from all passes
    bool matrices_only;                // leave out the rows without matrix kernels
    struct require_kernels ran;        // in any pass
};

static void show_message(void *context, enum lw_log_level level, const char *message)
{
    (void)context;
    (void)level;
    printf("%s\n", message);
}

// The flags without a value.
static bool parse_switch(const char *flag, struct options *options)
{
    static const struct {
        const char *flag;
        enum check_mode mode;
    } modes[] = {{"--bench", CHECK_MODE_BENCH}, {"--list", CHECK_MODE_LIST},
        {"--compile", CHECK_MODE_COMPILE}};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (strcmp(flag, modes[i].flag) == 0) {
            options->mode = modes[i].mode;
            return true;
        }
    }
    bool each = strcmp(flag, "--each") == 0, processor_time = strcmp(flag, "--processor-time") == 0,
         matrices = strcmp(flag, "--matrices") == 0;
    options->each |= each;
    options->processor_time |= processor_time;
    options->matrices |= matrices;
    options->matrices_only |= matrices;
    return each || processor_time || matrices;
}

static bool parse(int count, char **arguments, struct options *options)
{
    for (int i = 1; i < count; i++) {
        const char *flag = arguments[i];
        if (parse_switch(flag, options)) {
            continue;
        }
        const char *value = ++i < count ? arguments[i] : NULL;
        if (value && strcmp(flag, "--kernel") == 0) {
            options->kernel = value;
        } else if (value && strcmp(flag, "--device") == 0) {
            options->device = value;
        } else if (value && strcmp(flag, "--seed") == 0) {
            options->seed = strtoull(value, NULL, 0);
        } else if (value && strcmp(flag, "--cases") == 0) {
            options->cases = (unsigned)strtoul(value, NULL, 0);
        } else if (value && strcmp(flag, "--require") == 0) {
            options->required = value;
        } else if (value && strcmp(flag, "--hide-caps") == 0) {
            options->hide_given = true;
            struct lw_error error = {0};
            if (!lw_features_parse(value, &options->hidden, &error)) {
                fprintf(stderr, "kernelcheck: %s\n", error.message);
                return false;
            }
        } else {
            fprintf(stderr, "kernelcheck: %s is no flag or lacks its value\n", flag);
            return false;
        }
    }
    return true;
}

static bool uses_matrices(const char *name)
{
    for (size_t i = 0; i < sizeof matrix_rows / sizeof *matrix_rows; i++) {
        if (!strcmp(matrix_rows[i], name)) {
            return true;
        }
    }
    return false;
}

static uint64_t hash(const char *text)
{
    uint64_t value = 0xcbf29ce484222325u; // FNV-1a
    for (; *text; text++) {
        value = (value ^ (unsigned char)*text) * 0x100000001b3u;
    }
    return value;
}

static void print_ceilings(const struct lw_ceilings *ceilings)
{
    printf("at the start: copy kernel %.1f GB/s, multiply-add kernel %.0f GFLOP/s",
        ceilings->kernel_copy * 1e-9, ceilings->vector * 1e-9);
    if (ceilings->cores.memory_copy > 0) {
        printf(", memcpy on all cores %.1f GB/s, multiply-add on all cores %.0f GFLOP/s",
            ceilings->cores.memory_copy * 1e-9, ceilings->cores.multiply_add * 1e-9);
    }
    printf("\nshares are of the rates of the cores measured beside each row, or of the "
           "kernels\n%-24s %-44s %9s %9s %8s %5s %8s %5s\n",
        "kernel", "parameters", "best ms", "median", "GB/s", "", "GFLOP/s", "");
}

static void run_rows(struct check *check, const struct options *options)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (options->matrices_only && !uses_matrices(rows[i].name)) {
            continue;
        }
        check->row = rows[i].name;
        check->seed = check->shape_state = options->seed ^ hash(rows[i].name);
        check->case_count = 0;
        rows[i].run(check);
    }
}

static void compile_rows(struct check *check, const struct options *options)
{
    run_rows(check, options);
    check->typical_shapes = true;
    run_rows(check, options);
    check_pipelines_add(options->pipelines, check->device);
}

// One pass over the table with some capabilities hidden; the number of failed cases.
static unsigned run_table(struct lw_instance *instance, size_t index, uint32_t hidden,
    const struct lw_log *log, struct options *options)
{
    struct lw_error error = {0};
    struct lw_device *device;
    struct lw_device_params params = {.index = index,
        .hidden_features = hidden,
        .profile = options->mode == CHECK_MODE_CHECK,
        .statistics = options->mode == CHECK_MODE_COMPILE,
        .log = log};
    check_must(lw_device_create(&device, instance, &params, &error), &error);
    struct lw_ceilings ceilings = {.processor_time = options->processor_time};
    if (options->mode == CHECK_MODE_BENCH) {
        check_must(lw_ceilings_measure(&ceilings, device, &error), &error);
        print_ceilings(&ceilings);
    }
    struct check *check = check_memory(1, sizeof *check);
    check->mode = options->mode;
    check->device = device;
    check->ceilings = &ceilings;
    check->cases = options->cases;
    check->filter = options->kernel;
    check->matrices = options->matrices;
    if (options->mode == CHECK_MODE_COMPILE) {
        compile_rows(check, options);
    } else {
        run_rows(check, options);
    }
    unsigned failures = check->failure_count, runs = check->run_count;
    if (options->mode == CHECK_MODE_CHECK) {
        printf("%u cases, %u failed; kernels that did not run here:", runs, failures);
        for (int i = 0; i < LW_KERNEL_COUNT && !options->kernel; i++) {
            if (!lw_device_profile(device, (enum lw_kernel_id)i)->calls) {
                printf(" %s", lw_kernel_rows[i].name);
            }
        }
        printf("\n");
    }
    if (runs == 0 && options->kernel && options->mode != CHECK_MODE_LIST) {
        printf("no kernel is called %s; --list names them\n", options->kernel);
        failures++;
    }
    require_note(&options->ran, device);
    free(check);
    lw_device_destroy(device);
    return failures;
}

static void print_hidden(uint32_t hidden)
{
    printf("hidden:");
    for (uint32_t i = 0; i < LW_FEATURE_COUNT; i++) {
        if (hidden & 1u << i) {
            printf(" %s", lw_feature_name((enum lw_feature)(1u << i)));
        }
    }
    printf("\n");
}

// The passes with capabilities hidden, so that each variant is once the best that is left.
static unsigned run_hidden(struct lw_instance *instance, size_t index, uint32_t features,
    const struct lw_log *log, struct options *options)
{
    enum {
        CPU = LW_FEATURE_CPU,
        NO_WORKGROUPS = CPU | LW_FEATURE_WORKGROUP_MATRIX,
        BFLOAT16 = LW_FEATURE_BFLOAT16,
        FLEXIBLE_ONLY = NO_WORKGROUPS | LW_FEATURE_COOPERATIVE_MATRIX,
        NO_MATRICES = FLEXIBLE_ONLY | LW_FEATURE_COOPERATIVE_MATRIX_2
    };
    static const uint32_t passes[] = {CPU, CPU | BFLOAT16, NO_WORKGROUPS, NO_WORKGROUPS | BFLOAT16,
        FLEXIBLE_ONLY, FLEXIBLE_ONLY | BFLOAT16, NO_MATRICES};
    enum { count = sizeof passes / sizeof *passes };
    unsigned failures = 0;
    for (int i = 0; i < count; i++) {
        uint32_t hidden = features & passes[i];
        bool done = hidden == options->hidden;
        for (int j = 0; j < i; j++) {
            done |= (features & passes[j]) == hidden;
        }
        if (!done && !(passes[i] == NO_MATRICES && options->matrices)) {
            print_hidden(hidden);
            options->matrices_only = options->matrices || hidden != LW_FEATURE_CPU;
            failures += run_table(instance, index, hidden, log, options);
        }
    }
    return failures;
}

static unsigned default_cases(void)
{
    const char *value = getenv("LEWIN_CHECK_CASES");
    unsigned cases = value ? (unsigned)strtoul(value, NULL, 10) : 0;
    return cases ? cases : 16;
}

int main(int argument_count, char **arguments)
{
    struct options options = {.seed = (uint64_t)time(NULL), .cases = default_cases()};
    if (!parse(argument_count, arguments, &options)) {
        return LW_USAGE;
    }
    lw_driver_settings_apply(LW_WORKLOAD_PRODUCTS);
    struct lw_error error = {0};
    struct lw_log log = {.level = LW_LOG_WARNING, .write = show_message};
    struct lw_instance_params params = {
        .validation = getenv("LEWIN_VALIDATION") != NULL, .log = &log};
    struct lw_instance *instance;
    size_t index;
    check_must(lw_instance_create(&instance, &params, &error), &error);
    check_must(lw_instance_select(instance, options.device, &index, &error), &error);
    const struct lw_caps *caps = lw_instance_caps(instance, index);
    uint32_t device_features = caps->features;
    printf("%s, %s, seed %llu\n", caps->name, caps->driver, (unsigned long long)options.seed);
    options.pipelines = check_pipelines_create();
    unsigned failures = run_table(instance, index, options.hidden, &log, &options);
    bool all_variants = options.mode == CHECK_MODE_CHECK || options.mode == CHECK_MODE_COMPILE;
    if (all_variants && !options.hide_given) {
        failures += run_hidden(instance, index, device_features, &log, &options);
    }
    if (options.mode == CHECK_MODE_COMPILE) {
        if (!options.kernel && !options.matrices) {
            check_pipelines_print_unused(options.pipelines);
        }
        failures += check_pipelines_print(options.pipelines, options.each);
    }
    check_pipelines_destroy(options.pipelines);
    failures += require_missing(&options.ran, options.required);
    unsigned messages = lw_instance_message_count(instance);
    if (messages) {
        printf("%u validation messages\n", messages);
    }
    lw_instance_destroy(instance);
    return failures || messages ? LW_FAILED : LW_OK;
}
