// SPDX-License-Identifier: Apache-2.0
// Private to engine/ops: how long a recorded stream takes, for choosing among ways to do the same.
#ifndef LW_OPS_MEASURE_H
#define LW_OPS_MEASURE_H

#include "engine/gpu/stream.h"

// Seconds of one run: the stream runs once unmeasured, then again and again for about `seconds`; the
// best of three such measurements counts.
bool lw_measure(
    struct lw_stream *stream, double seconds, double *seconds_per_run, struct lw_error *error);

#endif
