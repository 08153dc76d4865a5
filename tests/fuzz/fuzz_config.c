// SPDX-License-Identifier: Apache-2.0
// Any bytes as a config.json. What is accepted has dimensions that fit each other and a rotary table
// of numbers; a refusal names the file.
#include <assert.h>
#include <string.h>

#include "engine/model/config.h"
#include "tests/fuzz/fuzz.h"

static void check_config(const struct lw_config *config)
{
    static float frequencies[2 * LW_ROTARY_MOST];
    const struct lw_rotary *rotary = &config->rotary;
    assert(config->family && config->heads && config->heads % config->kv_heads == 0);
    assert(config->head_dim >= 2 && config->head_dim <= 2 * LW_ROTARY_MOST);
    assert(rotary->columns >= 2 && rotary->columns <= config->head_dim);
    assert(config->stop_token_count <= LW_CONFIG_STOP_TOKENS);
    lw_rotary_frequencies(rotary, frequencies);
    for (uint32_t i = 0; i < lw_rotary_rows(rotary) * (rotary->columns / 2); i++) {
        assert(frequencies[i] >= 0);
    }
    assert(lw_rotary_row(rotary, UINT64_MAX) < lw_rotary_rows(rotary));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct lw_config config;
    struct lw_error error = {0};
    if (lw_config_parse(&config, (const char *)bytes, size, "a config.json", &error)) {
        check_config(&config);
    } else {
        assert(error.status == LW_BAD_INPUT && strstr(error.message, "config.json"));
    }
    return 0;
}
