// SPDX-License-Identifier: Apache-2.0
// Mixing data sets. See mixture.h.
#include "trainer/data/mixture.h"

#include <math.h>
#include <stdbool.h>

#include "engine/base/alloc.h"

// Where torch changes its way of shuffling, see order.h.
static const uint64_t most_rows = UINT32_MAX / 20;

// The rows that one source gives, in its order.
struct share {
    uint32_t *drawn; // numbers within the source, NULL: 0, 1, 2, ...
    uint64_t first;  // number of its row 0
    uint64_t count;
};

struct mixing {
    const struct lw_mixture_params *params;
    struct share *shares; // [source_count]
    struct lw_mixture *mixture;
};

bool lw_mixture_check(enum lw_mix_strategy strategy, const double *probabilities, size_t count,
    size_t source_count, struct lw_error *error)
{
    double sum = 0;
    if (strategy == LW_MIX_CONCAT) {
        return lw_fail(error, LW_USAGE,
            "interleave_probs needs mix_strategy interleave_under, interleave_over or "
            "interleave_once; concat takes every row of every data set");
    }
    if (count != source_count) {
        return lw_fail(error, LW_USAGE,
            "interleave_probs has %zu number%s for %zu data set%s; give one for each", count,
            count == 1 ? "" : "s", source_count, source_count == 1 ? "" : "s");
    }
    for (size_t i = 0; i < count; i++) {
        sum += probabilities[i];
        if (!(probabilities[i] >= 0 && probabilities[i] <= 1)) {
            return lw_fail(
                error, LW_USAGE, "interleave_probs: %g is not from 0 to 1", probabilities[i]);
        }
        if (probabilities[i] == 0 && strategy != LW_MIX_UNDER) {
            return lw_fail(error, LW_USAGE,
                "interleave_probs: with a share of 0 a data set never comes to its end, which this "
                "mix_strategy waits for");
        }
    }
    return fabs(sum - 1) <= 1.4901161193847656e-8 ||
           lw_fail(error, LW_USAGE, "interleave_probs add up to %.10g, not to 1", sum);
}

// --- the rows of each source ----------------------------------------------------------------------

// Fills drawn[0..wanted) with np.random.permutation(rows)[:wanted] and, beyond `rows`, with
// np.random.choice(rows, wanted - rows).
static bool draw_samples(struct share *share, uint64_t rows, uint64_t wanted,
    struct lw_mersenne_twister *samples, struct lw_error *error)
{
    share->drawn = lw_calloc(rows > wanted ? rows : wanted, sizeof *share->drawn, error);
    if (!share->drawn) {
        return false;
    }
    for (uint64_t i = 0; i < rows; i++) {
        share->drawn[i] = (uint32_t)i;
    }
    for (uint64_t i = rows; i-- > 1;) {
        uint32_t place = lw_mersenne_twister_interval(samples, (uint32_t)i);
        uint32_t kept = share->drawn[i];
        share->drawn[i] = share->drawn[place];
        share->drawn[place] = kept;
    }
    for (uint64_t i = rows; i < wanted; i++) {
        share->drawn[i] = lw_mersenne_twister_interval(samples, (uint32_t)rows - 1);
    }
    return true;
}

static bool draw_shares(
    struct mixing *mixing, struct lw_mersenne_twister *samples, struct lw_error *error)
{
    const struct lw_mixture_params *params = mixing->params;
    uint64_t first = 0;
    for (size_t i = 0; i < params->source_count; i++) {
        const struct lw_mixture_source *source = &params->sources[i];
        struct share *share = &mixing->shares[i];
        *share = (struct share){.first = first, .count = source->rows};
        first += source->rows;
        if (source->num_samples >= most_rows || first >= most_rows) {
            return lw_fail(error, LW_BAD_INPUT,
                "%s: %s %llu rows or more, which is too many; leave some out", source->name,
                first >= most_rows ? "with it there are" : "num_samples asks for",
                (unsigned long long)most_rows);
        }
        bool turns = params->strategy != LW_MIX_CONCAT && params->source_count > 1;
        if (source->rows == 0 && (turns || source->num_samples)) {
            return lw_fail(error, LW_BAD_INPUT, "%s: there is no record to %s", source->name,
                turns ? "take turns with" : "draw num_samples from");
        }
        if (source->num_samples) {
            share->count = source->num_samples;
            if (!draw_samples(share, source->rows, source->num_samples, samples, error)) {
                return false;
            }
        }
        if (params->max_samples && share->count > params->max_samples) {
            share->count = params->max_samples;
        }
    }
    return true;
}

// --- their order ----------------------------------------------------------------------------------

// Appends row `place` of source `index`.
static bool take(struct mixing *mixing, size_t index, uint64_t place, struct lw_error *error)
{
    struct lw_mixture *mixture = mixing->mixture;
    const struct share *share = &mixing->shares[index];
    if (mixture->count >= most_rows) {
        return lw_fail(error, LW_BAD_INPUT,
            "the data sets mixed are more than %llu rows; give the small ones a larger share in "
            "interleave_probs, or use interleave_once",
            (unsigned long long)most_rows);
    }
    if (!lw_reserve(
            &mixture->rows, &mixture->capacity, mixture->count + 1, sizeof *mixture->rows, error)) {
        return false;
    }
    uint64_t row = share->drawn ? share->drawn[place] : place;
    mixture->rows[mixture->count++] = (uint32_t)(share->first + row);
    return true;
}

static bool concatenate(struct mixing *mixing, struct lw_error *error)
{
    for (size_t i = 0; i < mixing->params->source_count; i++) {
        for (uint64_t place = 0; place < mixing->shares[i].count; place++) {
            if (!take(mixing, i, place, error)) {
                return false;
            }
        }
    }
    return true;
}

// A row of each source in turn: the shortest length of times, or the longest.
static bool take_turns(struct mixing *mixing, struct lw_error *error)
{
    size_t source_count = mixing->params->source_count;
    enum lw_mix_strategy strategy = mixing->params->strategy;
    uint64_t rounds = mixing->shares[0].count;
    for (size_t i = 1; i < source_count; i++) {
        uint64_t count = mixing->shares[i].count;
        bool decides = strategy == LW_MIX_UNDER ? count < rounds : count > rounds;
        rounds = decides ? count : rounds;
    }
    for (uint64_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < source_count; i++) {
            uint64_t count = mixing->shares[i].count;
            bool skipped = strategy == LW_MIX_ONCE && round >= count;
            if (!skipped && !take(mixing, i, round % count, error)) {
                return false;
            }
        }
    }
    return true;
}

struct turn {
    double limit;  // probabilities up to this source, of 1
    uint64_t next; // place
    bool exhausted;
};

// np.random.default_rng(seed).choice(source_count, p=probabilities) for each turn: a uniform number
// looked up in the running sum of the probabilities.
static bool draw_turns(struct mixing *mixing, struct turn *turns, struct lw_error *error)
{
    const struct lw_mixture_params *params = mixing->params;
    struct lw_pcg64 generator;
    double sum = 0;
    for (size_t i = 0; i < params->source_count; i++) {
        sum += params->probabilities[i];
        turns[i] = (struct turn){.limit = sum};
    }
    for (size_t i = 0; i < params->source_count; i++) {
        turns[i].limit /= sum;
    }
    lw_pcg64_seed(&generator, params->seed);
    size_t needed = params->strategy == LW_MIX_UNDER ? 1 : params->source_count, exhausted = 0;
    while (exhausted < needed) {
        double drawn = lw_pcg64_double(&generator);
        size_t i = 0;
        while (drawn >= turns[i].limit) {
            i++;
        }
        if (params->strategy == LW_MIX_ONCE && turns[i].exhausted) {
            continue;
        }
        if (!take(mixing, i, turns[i].next++, error)) {
            return false;
        }
        if (turns[i].next == mixing->shares[i].count) {
            exhausted += !turns[i].exhausted;
            turns[i].exhausted = true;
            turns[i].next = 0;
        }
    }
    return true;
}

static bool mix(struct mixing *mixing, struct lw_error *error)
{
    const struct lw_mixture_params *params = mixing->params;
    if (params->strategy == LW_MIX_CONCAT || params->source_count < 2) {
        return concatenate(mixing, error);
    }
    if (!params->probabilities) {
        return take_turns(mixing, error);
    }
    struct turn *turns = lw_calloc(params->source_count, sizeof *turns, error);
    bool mixed = turns && draw_turns(mixing, turns, error);
    lw_free(turns);
    return mixed;
}

bool lw_mixture_draw(struct lw_mixture *mixture, const struct lw_mixture_params *params,
    struct lw_mersenne_twister *samples, struct lw_error *error)
{
    struct mixing mixing = {.params = params, .mixture = mixture};
    mixture->count = 0;
    mixing.shares = lw_calloc(params->source_count, sizeof *mixing.shares, error);
    bool drawn = mixing.shares && draw_shares(&mixing, samples, error) && mix(&mixing, error);
    for (size_t i = 0; mixing.shares && i < params->source_count; i++) {
        lw_free(mixing.shares[i].drawn);
    }
    lw_free(mixing.shares);
    return drawn;
}

void lw_mixture_free(struct lw_mixture *mixture)
{
    lw_free(mixture->rows);
    *mixture = (struct lw_mixture){0};
}
