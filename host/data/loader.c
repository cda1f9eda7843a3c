/* The loader's threads and ring. Workers claim runs of pictures in the order of the stream, several workers
 * in one batch, so that the batch that is wanted next is the one that all of them fill. */
#include "loader.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "prepare.h"
#include "random.h"
#include "rncl/kernel_abi.h"
#include "util.h"

enum {
    SLOTS = 4, /* two with the consumer, one full, one filling */
    CLAIM = 8, /* entries taken at a time: the lock is held once for all of them */
};

/* One batch of the ring. */
struct slot {
    float *images;
    int32_t *labels;
    int finished;    /* pictures, filling included; back to 0 when the batch is released */
    int failed_item; /* the first one that failed; batch_size if none did */
    rncl_status status;
    char message[1024];
    rncl_batch batch;
};

/* Where the stream is, in entries: the only place that knows the order of an epoch. */
struct stream {
    uint64_t position, end;
    int crops; /* entries of each picture */
    uint32_t epoch;
    uint32_t *order; /* of `epoch`; NULL: as they come */
};

/* A run of entries for one worker, within one batch; those beyond `real` are filling. */
struct claim {
    struct slot *slot;
    int first, count, real;
    rncl_sample samples[CLAIM];
};

struct worker {
    rncl_loader *loader;
    pthread_t thread;
    rncl_preparer *preparer;
};

struct rncl_loader {
    rncl_loader_options options;
    size_t picture_size; /* floats */
    uint64_t batches;    /* in all */

    pthread_mutex_t lock;
    pthread_cond_t work;  /* there may be something to claim, or it is time to stop */
    pthread_cond_t ready; /* a batch is full */
    atomic_bool stop;     /* also looked at between pictures, without the lock */

    /* Under the lock. Batches are numbered from 0; batch b lives in slot b % SLOTS. */
    struct slot slots[SLOTS];
    struct stream stream;
    uint64_t claimed;  /* the batch that is being claimed */
    int claimed_items; /* of it */
    uint64_t released;

    /* The consumer's own. */
    uint64_t taken;
    uint64_t waited_ns;

    struct worker *workers;
    int started; /* threads that run */
};

/* The stream's next entry; shuffles when an epoch begins. */
static rncl_sample stream_next(rncl_loader *loader)
{
    struct stream *stream = &loader->stream;
    const uint32_t count = loader->options.dataset->info.count;
    const uint64_t picture = stream->position / (uint64_t)stream->crops;
    const uint32_t epoch = (uint32_t)(picture / count), offset = (uint32_t)(picture % count);
    if (stream->order && epoch != stream->epoch) {
        rncl_random random = rncl_random_stream(loader->options.seed, RNCL_RANDOM_SHUFFLE, epoch, 0);
        rncl_random_permutation(&random, stream->order, count);
    }
    stream->epoch = epoch;
    return (rncl_sample){.index = stream->order ? stream->order[offset] : offset,
                         .epoch = epoch,
                         .crop = (int)(stream->position++ % (uint64_t)stream->crops)};
}

static bool claimable(const rncl_loader *loader)
{
    return loader->claimed < loader->batches && loader->claimed < loader->released + SLOTS;
}

static void slot_begin(struct slot *slot, int batch_size, uint64_t left)
{
    slot->failed_item = batch_size;
    slot->status = RNCL_OK;
    slot->batch = (rncl_batch){.images = slot->images,
                               .labels = slot->labels,
                               .count = left < (uint64_t)batch_size ? (int)left : batch_size};
}

/* Needs the lock, and claimable(). */
static struct claim claim_next(rncl_loader *loader)
{
    int batch_size = loader->options.batch_size;
    struct slot *slot = &loader->slots[loader->claimed % SLOTS];
    if (loader->claimed_items == 0)
        slot_begin(slot, batch_size, loader->stream.end - loader->stream.position);
    struct claim claim = {.slot = slot, .first = loader->claimed_items};
    claim.count = MIN(CLAIM, batch_size - claim.first);
    claim.real = MIN(MAX(slot->batch.count - claim.first, 0), claim.count);
    for (int i = 0; i < claim.real; i++)
        claim.samples[i] = stream_next(loader);
    loader->claimed_items += claim.count;
    if (loader->claimed_items == batch_size) {
        loader->claimed++;
        loader->claimed_items = 0;
        loader->stream.position += loader->options.stride - (uint64_t)batch_size;
    }
    return claim;
}

/* Of all failures in a batch the first is kept, so that the report does not depend on the threads. */
static void note_failure(rncl_loader *loader, struct slot *slot, int item, rncl_status status)
{
    pthread_mutex_lock(&loader->lock);
    if (item < slot->failed_item) {
        slot->failed_item = item;
        slot->status = status;
        strncpy(slot->message, rncl_status_message(), sizeof slot->message - 1);
    }
    pthread_mutex_unlock(&loader->lock);
}

static void fill(const struct worker *worker, const struct claim *claim)
{
    rncl_loader *loader = worker->loader;
    struct slot *slot = claim->slot;
    for (int i = 0; i < claim->count && !atomic_load(&loader->stop); i++) {
        int item = claim->first + i;
        float *image = slot->images + (size_t)item * loader->picture_size;
        if (i >= claim->real) {
            memset(image, 0, loader->picture_size * sizeof *image);
            slot->labels[item] = RNCL_NO_LABEL;
            continue;
        }
        rncl_status st = rncl_prepare(worker->preparer, &claim->samples[i], image, &slot->labels[item]);
        if (st)
            note_failure(loader, slot, item, st);
    }
}

static void *work(void *argument)
{
    enum { BACKGROUND = 5 }; /* with less, decoding falls behind where it takes long */
    const struct worker *worker = argument;
    rncl_loader *loader = worker->loader;
    if (loader->options.yields) /* on Linux the calling thread's; where it fails, nothing is lost but time */
        setpriority(PRIO_PROCESS, 0, BACKGROUND);
    pthread_mutex_lock(&loader->lock);
    for (;;) {
        while (!atomic_load(&loader->stop) && !claimable(loader))
            pthread_cond_wait(&loader->work, &loader->lock);
        if (atomic_load(&loader->stop))
            break;
        struct claim claim = claim_next(loader);
        pthread_mutex_unlock(&loader->lock);
        fill(worker, &claim);
        pthread_mutex_lock(&loader->lock);
        claim.slot->finished += claim.count;
        if (claim.slot->finished == loader->options.batch_size)
            pthread_cond_signal(&loader->ready);
    }
    pthread_mutex_unlock(&loader->lock);
    return NULL;
}

static rncl_status check_options(const rncl_loader_options *options)
{
    const rncl_dataset_info *info = &options->dataset->info;
    assert(options->stride == 0 || options->stride >= (uint64_t)options->batch_size);
    if (options->batch_size < 1 || options->image < 1 || options->workers < 0)
        return RNCL_FAIL(RNCL_ERR_USAGE, "cannot load batches of %d pictures of %d pixels with %d workers",
                         options->batch_size, options->image, options->workers);
    if (info->count == 0)
        return RNCL_FAIL(RNCL_ERR_DATA, "the %s set has no pictures", info->format);
    return rncl_prepare_check(options);
}

/* One processor is left to whoever feeds the device, unless workers give way anyhow. */
static int default_workers(bool yields)
{
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return (int)MAX(processors - !yields, 1);
}

static void init_stream(rncl_loader *loader)
{
    const rncl_loader_options *options = &loader->options;
    struct stream *stream = &loader->stream;
    stream->crops = MAX(options->crops, 1);
    const uint64_t count = options->dataset->info.count * (uint64_t)stream->crops;
    stream->position = options->start;
    stream->end = options->endless ? UINT64_MAX : MAX(count, options->start);
    stream->epoch = UINT32_MAX; /* none yet: the first picture shuffles */
    const uint64_t left = stream->end - stream->position;
    loader->batches = left / options->stride + (left % options->stride != 0);
}

static void *create_images(const rncl_batch_memory *memory, size_t size_bytes)
{
    return memory->create ? memory->create(memory->user, size_bytes) : malloc(size_bytes);
}

static void destroy_images(const rncl_batch_memory *memory, void *images)
{
    if (memory->destroy)
        memory->destroy(memory->user, images);
    else
        free(images);
}

/* The ring's memory and the order's. */
static rncl_status allocate(rncl_loader *loader)
{
    const rncl_loader_options *options = &loader->options;
    size_t image = (size_t)options->image, batch_size = (size_t)options->batch_size, size_bytes;
    bool fits = rncl_size_multiply(image, image, &loader->picture_size) &&
                rncl_size_multiply(loader->picture_size, (size_t)options->channels, &loader->picture_size) &&
                rncl_size_multiply(loader->picture_size, batch_size * sizeof(float), &size_bytes);
    for (int i = 0; fits && i < SLOTS; i++) {
        loader->slots[i].images = create_images(&options->memory, size_bytes);
        loader->slots[i].labels = malloc(batch_size * sizeof(int32_t));
        fits = loader->slots[i].images && loader->slots[i].labels;
    }
    if (fits && options->shuffle && options->endless) {
        loader->stream.order = malloc(options->dataset->info.count * sizeof *loader->stream.order);
        fits = loader->stream.order != NULL;
    }
    if (!fits)
        return RNCL_FAIL(RNCL_ERR_MEMORY,
                         "no memory for %d batches of %d pictures of %d x %d; use a smaller batch", SLOTS,
                         options->batch_size, options->image, options->image);
    return RNCL_OK;
}

static rncl_status start_worker(rncl_loader *loader, struct worker *worker)
{
    worker->loader = loader;
    RNCL_TRY(rncl_preparer_create(&loader->options, &worker->preparer));
    int reason = pthread_create(&worker->thread, NULL, work, worker);
    if (reason)
        return RNCL_FAIL(RNCL_ERR_FAILURE, "cannot start a thread for loading: %s; use fewer --workers",
                         strerror(reason));
    loader->started++;
    return RNCL_OK;
}

rncl_status rncl_loader_create(const rncl_loader_options *options, rncl_loader **out)
{
    *out = NULL;
    RNCL_TRY(check_options(options));
    rncl_loader *loader = calloc(1, sizeof *loader);
    if (!loader)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "no memory for the loader");
    loader->options = *options;
    if (options->workers == 0)
        loader->options.workers = default_workers(options->yields);
    if (options->stride == 0)
        loader->options.stride = (uint64_t)options->batch_size;
    pthread_mutex_init(&loader->lock, NULL);
    pthread_cond_init(&loader->work, NULL);
    pthread_cond_init(&loader->ready, NULL);
    init_stream(loader);
    rncl_status st = allocate(loader);
    if (st)
        goto fail;
    loader->workers = calloc((size_t)loader->options.workers, sizeof *loader->workers);
    if (!loader->workers) {
        st = RNCL_FAIL(RNCL_ERR_MEMORY, "no memory for %d workers", loader->options.workers);
        goto fail;
    }
    for (int i = 0; i < loader->options.workers; i++) {
        st = start_worker(loader, &loader->workers[i]);
        if (st)
            goto fail;
    }
    *out = loader;
    return RNCL_OK;
fail:
    rncl_loader_destroy(loader);
    return st;
}

rncl_status rncl_loader_next(rncl_loader *loader, const rncl_batch **batch)
{
    *batch = NULL;
    if (loader->taken == loader->batches)
        return RNCL_OK;
    struct slot *slot = &loader->slots[loader->taken % SLOTS];
    int batch_size = loader->options.batch_size;
    pthread_mutex_lock(&loader->lock);
    assert(loader->taken < loader->released + SLOTS); /* or the wait would have no end */
    if (slot->finished < batch_size) {
        uint64_t start = rncl_time_ns();
        while (slot->finished < batch_size)
            pthread_cond_wait(&loader->ready, &loader->lock);
        loader->waited_ns += rncl_time_ns() - start;
    }
    pthread_mutex_unlock(&loader->lock);
    if (loader->options.dataset->skips)
        rncl_skips_report(loader->options.dataset->skips);
    if (slot->status)
        return RNCL_FAIL(slot->status, "%s", slot->message);
    loader->taken++;
    *batch = &slot->batch;
    return RNCL_OK;
}

void rncl_loader_release(rncl_loader *loader)
{
    pthread_mutex_lock(&loader->lock);
    assert(loader->released < loader->taken);
    loader->slots[loader->released % SLOTS].finished = 0;
    loader->released++;
    pthread_cond_broadcast(&loader->work);
    pthread_mutex_unlock(&loader->lock);
}

uint64_t rncl_loader_waited_ns(const rncl_loader *loader)
{
    return loader->waited_ns;
}

void rncl_loader_destroy(rncl_loader *loader)
{
    if (!loader)
        return;
    pthread_mutex_lock(&loader->lock);
    atomic_store(&loader->stop, true);
    pthread_cond_broadcast(&loader->work);
    pthread_mutex_unlock(&loader->lock);
    for (int i = 0; i < loader->started; i++)
        pthread_join(loader->workers[i].thread, NULL);
    for (int i = 0; loader->workers && i < loader->options.workers; i++)
        rncl_preparer_destroy(loader->workers[i].preparer);
    free(loader->workers);
    for (int i = 0; i < SLOTS; i++) {
        destroy_images(&loader->options.memory, loader->slots[i].images);
        free(loader->slots[i].labels);
    }
    free(loader->stream.order);
    pthread_cond_destroy(&loader->ready);
    pthread_cond_destroy(&loader->work);
    pthread_mutex_destroy(&loader->lock);
    free(loader);
}
