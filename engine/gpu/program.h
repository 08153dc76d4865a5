// SPDX-License-Identifier: Apache-2.0
// Private to engine/gpu: the commands of a stream, encoded into command buffers, one a submission.
#ifndef LW_GPU_PROGRAM_H
#define LW_GPU_PROGRAM_H

#include "engine/gpu/device.h"
#include "engine/gpu/split.h"

struct lw_program;

// Encodes the commands in pieces of device->submission_seconds each. The commands are not kept.
bool lw_program_create(struct lw_program **program, struct lw_device *device,
    const struct lw_command *commands, size_t count, struct lw_error *error);
// Its runs must be done. Adds the last one's times to the profile.
void lw_program_destroy(struct lw_program *program);

// Submits all pieces after everything submitted before; `name` must outlive the device. With
// --profile, waits for the run before, whose times are read first.
bool lw_program_submit(struct lw_program *program, const char *name, struct lw_error *error);

bool lw_program_idle(const struct lw_program *program); // no run is under way
uint32_t lw_program_pieces(const struct lw_program *program);

// Once a run has ended: corrects the commands' expected seconds and sets *longest to the seconds of
// the longest piece. False while that is not known. Does not wait.
bool lw_program_learn(struct lw_program *program, struct lw_command *commands, double *longest);

#endif
