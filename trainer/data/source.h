// SPDX-License-Identifier: Apache-2.0
// Where training data comes from: the names that a recipe's `dataset` gives, looked up in
// dataset_info.json as LLaMA-Factory's parser.py and loader.py do, or taken as paths. Called by run.c
// and `lewin data`; dataset.c reads what the sources name.
#ifndef LW_TRAINER_DATA_SOURCE_H
#define LW_TRAINER_DATA_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/options.h"
#include "trainer/data/record_format.h"

struct cJSON;

// One data set: its files are read in this order and are one sequence of rows.
struct lw_source {
    char *name;   // as the recipe has it
    char **paths; // [path_count]
    size_t path_count;
    struct lw_record_format format; // the texts belong to struct lw_sources
    uint64_t num_samples;           // rows drawn from it, see mixture.h; 0: all of them
};

// Zero-initialise before use; lw_sources_free releases it and makes it empty again.
struct lw_sources {
    struct lw_source *items;
    size_t count;
    struct cJSON *info; // dataset_info.json, NULL when there is none
};

// Finds each of `names`: an entry of DATASET_DIR/dataset_info.json, else a file or folder
// DATASET_DIR/NAME. Without a `dataset_dir` (NULL or empty) the entries of data/dataset_info.json
// count, and paths start where the program does. Of a folder all files are taken in byte order.
// `sources` is empty before, and to be freed after a failure as well. LW_BAD_INPUT for a name that is
// neither or stands there twice, an entry that is wrong or asks for what there is not here (downloads,
// scripts, preference data, media), a folder with files of several types, and for CSV, Parquet and
// Arrow files.
bool lw_sources_resolve(struct lw_sources *sources, const struct lw_option_list *names,
    const char *dataset_dir, struct lw_error *error);
void lw_sources_free(struct lw_sources *sources);

// The path of file number `file`, from 0, as a token cache numbers a source's files; the source's name
// where it has no such file, because a damaged cache may say anything. The source's.
const char *lw_source_path(const struct lw_source *source, uint32_t file);

#endif
