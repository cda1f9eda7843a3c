/* Batches through a network, two of them outstanding. */
#include "inference.h"

#include "batch_memory.h"
#include "util.h"

enum { AHEAD = 2 }; /* batches that are outstanding at most */

typedef struct pass {
    rncl_network *network;
    rncl_loader *loader;
    const rncl_batch *batches[AHEAD]; /* the outstanding ones; batch n in n % AHEAD */
    unsigned submitted, collected;
    rncl_batch_sink *sink; /* NULL: after a failure, results are dropped */
    void *user;
} pass;

static rncl_status collect(pass *p)
{
    const rncl_batch *batch = p->batches[p->collected++ % AHEAD];
    rncl_batch_result result;
    rncl_status st = rncl_network_collect(p->network, &result);
    if (!st && p->sink)
        st = p->sink(p->user, batch, &result);
    rncl_loader_release(p->loader);
    return st;
}

static rncl_status infer_all(pass *p, const volatile sig_atomic_t *stop)
{
    for (;;) {
        const rncl_batch *batch;
        if (stop && *stop)
            return RNCL_FAIL(RNCL_ERR_INTERRUPTED, "interrupted during the evaluation");
        RNCL_TRY(rncl_loader_next(p->loader, &batch));
        if (!batch)
            return RNCL_OK;
        RNCL_TRY(rncl_network_evaluate(p->network, batch->images, batch->labels));
        p->batches[p->submitted++ % AHEAD] = batch;
        if (p->submitted - p->collected == AHEAD)
            RNCL_TRY(collect(p));
    }
}

rncl_status rncl_infer(rncl_network *network, const rncl_loader_options *loader,
                       const volatile sig_atomic_t *stop, rncl_batch_sink *sink, void *user)
{
    pass p = {.network = network, .sink = sink, .user = user};
    rncl_loader_options options = *loader;
    options.memory = rncl_batch_memory_of(rncl_network_context(network));
    RNCL_TRY(rncl_loader_create(&options, &p.loader));
    rncl_status st = infer_all(&p, stop);
    /* Also after a failure: the device may still be reading the memory of the loader. */
    while (p.submitted != p.collected) {
        if (st)
            p.sink = NULL;
        const rncl_status collected = collect(&p);
        st = st ? st : collected;
    }
    rncl_loader_destroy(p.loader);
    return st;
}
