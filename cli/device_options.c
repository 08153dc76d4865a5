// SPDX-License-Identifier: Apache-2.0
// Opening the device that the flags ask for. See device_options.h.
#include "cli/device_options.h"

#include <stdlib.h>
#include <string.h>

#include "cli/profile_table.h"
#include "engine/base/folder.h"
#include "engine/base/stringbuf.h"

static void write_log(void *context, enum lw_log_level level, const char *message)
{
    (void)context;
    fprintf(stderr, "lewin: %s%s\n", level == LW_LOG_WARNING ? "warning: " : "", message);
}

struct lw_log lw_stderr_log(void)
{
    return (struct lw_log){.level = LW_LOG_INFO, .write = write_log};
}

bool lw_session_open_instance(struct lw_session *session, struct lw_error *error)
{
    const char *validation = getenv("LEWIN_VALIDATION");
    *session = (struct lw_session){.log = lw_stderr_log()};
    struct lw_instance_params params = {
        .validation = validation && validation[0] && strcmp(validation, "0") != 0,
        .log = &session->log};
    return lw_instance_create(&session->instance, &params, error);
}

static bool parse_tune(const char *text, enum lw_tune *tune, struct lw_error *error)
{
    static const char *const names[] = {"off", "fast", "full"};
    *tune = LW_TUNE_FAST;
    for (size_t i = 0; text && i < sizeof names / sizeof *names; i++) {
        if (!strcmp(text, names[i])) {
            *tune = (enum lw_tune)i;
            return true;
        }
    }
    return !text || lw_fail(error, LW_USAGE, "--tune is off, fast or full, not \"%s\"", text);
}

bool lw_session_open_device(struct lw_session *session, const struct lw_device_options *options,
    size_t index, struct lw_error *error)
{
    uint32_t hidden;
    struct lw_string cache = {0};
    if (!lw_features_parse(options->hide_caps, &hidden, error) ||
        !parse_tune(options->tune, &session->tune, error)) {
        return false;
    }
    // Without a cache folder (no home, say) kernels are compiled anew: no reason to stop.
    bool cached = lw_folder_cache(options->cache, &cache, NULL) &&
                  lw_folder_create(lw_string_text(&cache), NULL);
    struct lw_device_params params = {.index = index,
        .hidden_features = hidden,
        .cache_folder = cached ? lw_string_text(&cache) : NULL,
        .profile = options->profile,
        .log = &session->log};
    bool opened = lw_device_create(&session->device, session->instance, &params, error) &&
                  lw_matmul_test(session->device, session->tune, error);
    session->profile = options->profile;
    lw_string_free(&cache);
    if (!opened) {
        lw_session_close_device(session);
    }
    return opened;
}

void lw_session_close_device(struct lw_session *session)
{
    lw_device_destroy(session->device);
    session->device = NULL;
}

bool lw_session_open(
    struct lw_session *session, const struct lw_device_options *options, struct lw_error *error)
{
    uint32_t hidden;
    size_t index;
    *session = (struct lw_session){0};
    if (!lw_features_parse(options->hide_caps, &hidden, error) ||
        !parse_tune(options->tune, &session->tune, error)) {
        return false; // before the loader is asked for anything
    }
    bool opened = lw_session_open_instance(session, error) &&
                  lw_instance_select(session->instance, options->device, &index, error) &&
                  lw_session_open_device(session, options, index, error);
    if (!opened) {
        lw_session_close(session, false, NULL);
    }
    return opened;
}

bool lw_session_close(struct lw_session *session, bool done, struct lw_error *error)
{
    if (session->device && session->profile) {
        lw_profile_table_print(session->device, stderr);
    }
    lw_session_close_device(session);
    unsigned messages = session->instance ? lw_instance_message_count(session->instance) : 0;
    lw_instance_destroy(session->instance);
    session->instance = NULL;
    if (messages && done) {
        return lw_fail(error, LW_FAILED, "the Vulkan validation layer gave %u messages", messages);
    }
    return done;
}
