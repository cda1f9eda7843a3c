/* Ranks that train together. A rank that decides otherwise than the rest would leave them waiting, so that
 * every decision rests on what has been joined: results of steps and evaluations, and wishes that were sent
 * with them. */
#include "training_ranks.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gradient_buckets.h"
#include "util.h"

/* ---- setting up ---- */

rncl_status rncl_training_share_options(rncl_training *t, rncl_options *options)
{
    const rncl_options own = *options;
    const rncl_status st = rncl_ranks_cast(t->ranks, options, sizeof *options);
    options->arguments = own.arguments; /* pointers mean nothing to others */
    options->argument_count = own.argument_count;
    options->training_images = own.training_images;
    options->validation_images = own.validation_images;
    return st;
}

/* *other: the first rank that has other bytes than rank 0; 0: none. */
static rncl_status compare(rncl_training *t, const void *mine, size_t bytes, int *other)
{
    const void *gathered;
    *other = 0;
    RNCL_TRY(rncl_ranks_gather(t->ranks, mine, bytes, &gathered));
    const char *all = gathered;
    for (int i = rncl_ranks_count(t->ranks) - 1; i > 0; i--)
        if (memcmp(all, all + (size_t)i * bytes, bytes) != 0)
            *other = i;
    return RNCL_OK;
}

void rncl_training_found_by_all(const rncl_training *t)
{
    if (t->ranks)
        t->ranks->agreed = true;
}

void rncl_training_found_by_none(const rncl_training *t)
{
    if (t->ranks)
        t->ranks->agreed = false;
}

rncl_status rncl_training_compare_ranks(rncl_training *t)
{
    const uint64_t mine[] = {
        t->fingerprint,
        t->graph->param_floats,
        (uint64_t)t->steps,
        rncl_hash(RNCL_HASH_START, &t->data, sizeof t->data),
    };
    int other;
    RNCL_TRY(compare(t, mine, sizeof mine, &other));
    if (!other)
        return RNCL_OK;
    rncl_training_found_by_all(t);
    return RNCL_FAIL(
        RNCL_ERR_USAGE,
        "rank %d has other data or another network than rank 0: give all machines the same files", other);
}

rncl_status rncl_training_compare_turns(rncl_training *t)
{
    const rncl_network_facts *facts = rncl_network_facts_of(t->network);
    const int turns = facts->batch_size / facts->micro_batch;
    int other;
    if (!t->options->sync_bn)
        return RNCL_OK;
    RNCL_TRY(compare(t, &turns, sizeof turns, &other));
    if (!other)
        return RNCL_OK;
    rncl_training_found_by_all(t);
    return RNCL_FAIL(
        RNCL_ERR_USAGE,
        "--sync-bn: rank %d takes another number of micro-batches than rank 0; give a smaller --micro-batch",
        other);
}

typedef struct place {
    char machine[64], device[128];
} place;

rncl_status rncl_training_first_of_kind(rncl_training *t, bool *first)
{
    const void *gathered;
    place mine;
    memset(&mine, 0, sizeof mine);
    gethostname(mine.machine, sizeof mine.machine - 1);
    snprintf(mine.device, sizeof mine.device, "%s", t->context->info.name);
    *first = true;
    RNCL_TRY(rncl_ranks_gather(t->ranks, &mine, sizeof mine, &gathered));
    const place *places = gathered;
    for (int i = 0; t->ranks && i < t->ranks->index; i++)
        *first &= memcmp(&places[i], &mine, sizeof mine) != 0;
    return RNCL_OK;
}

/* ---- within a step ---- */

/* Every picture counts as 1 where there are no class weights. */
static rncl_status weigh(void *user, double *weight)
{
    const rncl_training *t = user;
    const void *gathered;
    if (!t->class_weights) {
        *weight = (double)t->options->batch_size;
        return RNCL_OK;
    }
    RNCL_TRY(rncl_ranks_gather(t->ranks, weight, sizeof *weight, &gathered));
    const double *weights = gathered;
    *weight = 0;
    for (int i = 0; i < t->ranks->count; i++)
        *weight += weights[i];
    return RNCL_OK;
}

static rncl_status sum(void *user, size_t first, size_t count, float *gradients)
{
    const rncl_training *t = user;
    if (t->errors.values)
        return rncl_ranks_sum_rounded(t->ranks, gradients, t->errors.values + first, count);
    return rncl_ranks_sum(t->ranks, gradients, count);
}

/* By the formula of Chan, Golub and LeVeque (1979), in the order of the ranks. */
static rncl_status join_statistics(void *user, size_t c, double *statistics)
{
    const rncl_training *t = user;
    const void *gathered;
    const size_t values = 1 + 2 * c;
    RNCL_TRY(rncl_ranks_gather(t->ranks, statistics, values * sizeof *statistics, &gathered));
    const double *more = gathered;
    double *means = statistics + 1, *deviations = means + c;
    memcpy(statistics, more, values * sizeof *statistics);
    for (int i = 1; i < t->ranks->count; i++) {
        more += values;
        const double before = statistics[0], share = more[0] / (before + more[0]);
        for (size_t v = 0; v < c; v++) {
            const double delta = more[1 + v] - means[v];
            means[v] += share * delta;
            deviations[v] += more[1 + c + v] + delta * delta * before * share;
        }
        statistics[0] += more[0];
    }
    return RNCL_OK;
}

static rncl_status join_means(void *user, size_t count, double *means)
{
    const rncl_training *t = user;
    const void *gathered;
    RNCL_TRY(rncl_ranks_gather(t->ranks, means, (1 + count) * sizeof *means, &gathered));
    const double *more = gathered;
    memset(means, 0, (1 + count) * sizeof *means);
    for (int i = 0; i < t->ranks->count; i++, more += 1 + count) {
        means[0] += more[0];
        for (size_t v = 1; v <= count; v++)
            means[v] += more[0] * more[v];
    }
    for (size_t v = 1; v <= count; v++)
        means[v] /= means[0];
    return RNCL_OK;
}

/* ---- results ---- */

/* What a rank says of its part of a step or an evaluation. Only 64-bit fields: padding would not be defined.
 */
typedef struct record {
    double loss;
    int64_t count, top1, top5, not_finite;
    int64_t stop, out_of_time, save; /* wishes */
} record;

static rncl_status join(void *user, rncl_batch_result *sums)
{
    rncl_training *t = user;
    const record mine = {
        .loss = sums->loss,
        .count = sums->count,
        .top1 = sums->top1,
        .top5 = sums->top5,
        .not_finite = sums->not_finite,
        .stop = rncl_training_asked_to_stop(t),
        .out_of_time = rncl_training_out_of_own_time(t),
        .save = rncl_training_wants_to_save(t),
    };
    const void *gathered;
    RNCL_TRY(rncl_ranks_gather(t->ranks, &mine, sizeof mine, &gathered));
    const record *all = gathered;
    sums->loss = 0;
    sums->count = sums->top1 = sums->top5 = sums->not_finite = 0;
    for (int i = 0; i < t->ranks->count; i++) {
        sums->loss += all[i].loss;
        sums->count += (int)all[i].count;
        sums->top1 += (int)all[i].top1;
        sums->top5 += (int)all[i].top5;
        sums->not_finite += (int)all[i].not_finite;
        t->agreed.stop |= all[i].stop != 0;
    }
    t->agreed.out_of_time = all[0].out_of_time != 0; /* by one clock */
    t->agreed.save = all[0].save != 0;
    return RNCL_OK;
}

rncl_network_others rncl_training_others(rncl_training *t)
{
    rncl_network_others others = {
        .weigh = weigh, .sum = sum, .join = join, .bucket_floats = RNCL_GRADIENT_BUCKET_FLOATS, .user = t};
    if (rncl_ranks_count(t->ranks) == 1)
        return (rncl_network_others){0};
    if (t->options->sync_bn)
        others.moments = (rncl_moments_join){join_statistics, join_means, t};
    return others;
}

/* A rank that was asked to stop has left its part early; the others learn of it here. */
rncl_status rncl_training_join_evaluation(void *user, rncl_status status, rncl_batch_result *sums)
{
    rncl_training *t = user;
    RNCL_TRY(rncl_ranks_agree(t->ranks, status == RNCL_ERR_INTERRUPTED ? RNCL_OK : status));
    RNCL_TRY(join(t, sums));
    return t->agreed.stop ? RNCL_FAIL(RNCL_ERR_INTERRUPTED, "interrupted during the evaluation") : RNCL_OK;
}

/* ---- weights ---- */

rncl_status rncl_training_share_vectors(rncl_training *t)
{
    const size_t params = t->graph->param_floats, state = t->graph->state_floats;
    const rncl_network_vectors *v = &t->vectors;
    const struct {
        float *values;
        size_t floats;
    } vectors[] = {{v->params, params},
                   {v->velocity, params},
                   {v->average, params},
                   {v->state, state},
                   {v->average_state, state}};
    RNCL_TRY(rncl_ranks_cast(t->ranks, &t->state, sizeof t->state));
    for (size_t i = 0; i < COUNT(vectors); i++)
        if (vectors[i].values)
            RNCL_TRY(rncl_ranks_cast(t->ranks, vectors[i].values, vectors[i].floats * sizeof(float)));
    t->enqueued = t->state.step;
    return RNCL_OK;
}

/* Whether the devices' weights are the same on all ranks. */
static rncl_status compare_weights(rncl_training *t, int *other)
{
    const rncl_network_vectors *v = &t->vectors;
    const size_t bytes = t->graph->param_floats * sizeof(float);
    uint64_t hash = rncl_hash(RNCL_HASH_START, v->params, bytes);
    hash = rncl_hash(hash, v->velocity, bytes);
    return compare(t, &hash, sizeof hash, other);
}

rncl_status rncl_training_align(rncl_training *t)
{
    int other, other_kind;
    char kind[128];
    if (rncl_ranks_count(t->ranks) == 1)
        return RNCL_OK;
    RNCL_TRY(rncl_network_read(t->network, &t->vectors));
    memset(kind, 0, sizeof kind);
    snprintf(kind, sizeof kind, "%s", t->context->info.name);
    RNCL_TRY(compare(t, kind, sizeof kind, &other_kind));
    RNCL_TRY(compare_weights(t, &other));
    if (other && !other_kind) {
        rncl_training_found_by_all(t);
        return RNCL_FAIL(RNCL_ERR_WRONG_RESULT,
                         "after step %" PRId64 " rank %d has other weights than rank 0 on the same kind of "
                         "device, %s; `rncl check` looks for the cause",
                         t->state.step, other, kind);
    }
    RNCL_TRY(rncl_training_share_vectors(t));
    return rncl_ranks_first(t->ranks) ? RNCL_OK : rncl_network_write(t->network, &t->vectors);
}
