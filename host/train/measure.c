/* The evaluation loop: one batch is on the device while the next is fetched. */
#include "measure.h"

#include "util.h"

typedef struct measurement {
    rncl_network *network;
    rncl_loader *loader;
    int outstanding;
    rncl_batch_result sums;
} measurement;

static rncl_status collect(measurement *m)
{
    rncl_batch_result batch;
    m->outstanding--;
    RNCL_TRY(rncl_network_collect(m->network, &batch));
    rncl_loader_release(m->loader);
    m->sums.loss += batch.loss;
    m->sums.count += batch.count;
    m->sums.top1 += batch.top1;
    m->sums.top5 += batch.top5;
    return RNCL_OK;
}

static rncl_status measure_all(measurement *m, const volatile sig_atomic_t *stop)
{
    for (;;) {
        const rncl_batch *batch;
        if (stop && *stop)
            return RNCL_FAIL(RNCL_ERR_INTERRUPTED, "interrupted during the evaluation");
        RNCL_TRY(rncl_loader_next(m->loader, &batch));
        if (!batch)
            return RNCL_OK;
        RNCL_TRY(rncl_network_evaluate(m->network, batch->images, batch->labels));
        m->outstanding++;
        if (m->outstanding == 2)
            RNCL_TRY(collect(m));
    }
}

rncl_status rncl_measure(rncl_network *network, const rncl_loader_options *loader,
                         const volatile sig_atomic_t *stop, rncl_evaluation *result)
{
    *result = (rncl_evaluation){0};
    measurement m = {.network = network};
    RNCL_TRY(rncl_loader_create(loader, &m.loader));
    const uint64_t start_ns = rncl_time_ns();
    rncl_status st = measure_all(&m, stop);
    /* The device may still read the loader's memory: also after a failure it is waited for. */
    while (m.outstanding > 0) {
        const rncl_status collected = collect(&m);
        st = st ? st : collected;
    }
    rncl_loader_destroy(m.loader);
    if (st)
        return st;
    const double count = m.sums.count;
    *result = (rncl_evaluation){
        .images = m.sums.count,
        .loss = m.sums.loss / count,
        .top1 = 100 * m.sums.top1 / count,
        .top5 = 100 * m.sums.top5 / count,
        .images_per_second = count / (1e-9 * (double)(rncl_time_ns() - start_ns)),
    };
    return RNCL_OK;
}
