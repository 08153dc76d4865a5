// SPDX-License-Identifier: Apache-2.0
// The parts of a training run, made once before its first update. Private to loop.c, run.c and
// evaluate.c.
#ifndef LW_TRAINER_RUN_H
#define LW_TRAINER_RUN_H

#include "engine/model/training.h"
#include "trainer/course.h"
#include "trainer/data/pack.h"
#include "trainer/loop.h"
#include "trainer/metrics.h"
#include "trainer/run_data.h"
#include "trainer/schedule.h"
#include "trainer/snapshot.h"

// What changes from update to update. The two newest updates are under way at most; what belongs to
// one lies at update % 2.
struct lw_trainer_progress {
    uint64_t reported;  // updates whose figures have been read
    uint64_t saved;     // the update of the newest checkpoint
    uint64_t resumable; // of the newest that the run can go on from; 0: none
    uint64_t tokens;    // in them, padding not counted
    double window_loss, total_loss;
    uint64_t window_count;
    uint64_t tickets[2], step_tokens[2];
};

struct lw_trainer {
    struct lw_run_params params;
    struct lw_config config;
    struct lw_checkpoint *base;
    struct lw_run_data data;
    struct lw_training *training;
    struct lw_pack *pack;
    struct lw_batch *batch;
    struct lw_example_view *views; // of one update
    struct lw_file *lock;          // on the output folder
    struct lw_metrics *metrics;
    struct lw_history history;
    double flos_per_token;
    struct lw_schedule schedule;
    struct lw_course course;
    uint64_t log_interval, save_interval, eval_interval; // updates; 0: never
    size_t global_batch;
    size_t together;                // consecutive examples of one of LLaMA-Factory's forward calls
    struct lw_snapshot_state state; // where the run went on from; update 0: it began
    struct lw_trainer_progress progress;
    double started; // clock at which it went on
};

// Loads the data and the model, plans the memory, and resumes from a checkpoint when there is one.
bool lw_trainer_create(
    struct lw_trainer **trainer, const struct lw_run_params *params, struct lw_error *error);
void lw_trainer_destroy(struct lw_trainer *trainer);

// Seconds spent on the run, those before a resumption included.
double lw_trainer_elapsed(const struct lw_trainer *trainer);

#endif
