/* Evaluations: sums over batches, or a tally of their logits. */
#include "measure.h"

#include "inference.h"
#include "util.h"

typedef struct measurement {
    rncl_batch_result sums;
    const rncl_measure_setup *setup;
    rncl_tally *tally;
    uint64_t start_ns, first_ns; /* of the measurement; when its first batch was done */
    int first_count;             /* pictures of the first batch */
} measurement;

static rncl_status add_batch(void *user, const rncl_batch *batch, const rncl_batch_result *result)
{
    measurement *m = user;
    m->sums.loss += result->loss;
    m->sums.count += result->count;
    m->sums.top1 += result->top1;
    m->sums.top5 += result->top5;
    m->sums.not_finite += result->not_finite;
    if (m->tally)
        rncl_tally_add(m->tally, result->logits, batch->labels, batch->count);
    if (!m->first_ns) {
        m->first_ns = rncl_time_ns();
        m->first_count = result->count;
    }
    return m->setup->sink ? m->setup->sink(m->setup->user, batch, result) : RNCL_OK;
}

/* `images`, of which a tally may need several pictures of a batch. Drivers compile during the first batch,
 * which counts only where there is no other. */
static double images_per_second(const measurement *m, int64_t images)
{
    const bool only = m->sums.count == m->first_count;
    const uint64_t time_ns = rncl_time_ns() - (only ? m->start_ns : m->first_ns);
    const double share = only ? 1 : 1 - (double)m->first_count / m->sums.count;
    return (double)images * share / (1e-9 * (double)time_ns);
}

static rncl_evaluation describe(const measurement *m)
{
    const rncl_tally *tally = m->tally;
    const double count = tally ? (double)tally->images : m->sums.count;
    return (rncl_evaluation){
        .images = tally ? tally->images : m->sums.count,
        .not_finite = tally ? tally->not_finite : m->sums.not_finite,
        .loss = (tally ? tally->loss : m->sums.loss) / count,
        .top1 = 100 * (tally ? (double)tally->top1 : m->sums.top1) / count,
        .top5 = 100 * (tally ? (double)tally->top5 : m->sums.top5) / count,
    };
}

rncl_status rncl_measure(rncl_network *network, const rncl_measure_setup *setup, rncl_evaluation *result)
{
    *result = (rncl_evaluation){0};
    measurement m = {.setup = setup, .tally = setup->tally, .start_ns = rncl_time_ns()};
    const rncl_status st = rncl_infer(network, setup->loader, setup->stop, add_batch, &m);
    RNCL_TRY(setup->others ? setup->others->join(setup->others->user, st, &m.sums) : st);
    *result = describe(&m);
    result->images_per_second = images_per_second(&m, result->images);
    return RNCL_OK;
}
