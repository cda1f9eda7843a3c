/* The loader's threads and ring. Workers claim runs of pictures in the order of the stream, several workers
 * in one batch, so that the batch that is wanted next is the one that all of them fill. */
#include "loader.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "augment.h"
#include "picture.h"
#include "random.h"
#include "rncl/kernel_abi.h"
#include "util.h"

enum {
    SLOTS = 4, /* two with the consumer, one full, one filling */
    CLAIM = 8, /* pictures taken at a time: the lock is held once for all of them */
    MOST_CHANNELS = 4,
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

/* Where the stream of pictures is: the only place that knows the order of an epoch. */
struct stream {
    uint64_t position, end;
    uint32_t epoch;
    uint32_t *order; /* of `epoch`; NULL: as they come */
};

/* A run of pictures for one worker, within one batch; those beyond `real` are filling. */
struct claim {
    struct slot *slot;
    int first, count, real;
    uint32_t index[CLAIM], epoch[CLAIM];
};

/* What a worker owns: one picture on its way through the steps. */
struct worker {
    rncl_loader *loader;
    pthread_t thread;
    uint8_t *read, *converted, *resized;
};

struct rncl_loader {
    rncl_loader_options options;
    size_t picture_size; /* floats */
    uint64_t batches;    /* in all */
    rncl_normalisation normalisation;

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

/* The stream's next picture; shuffles when an epoch begins. */
static void stream_next(rncl_loader *loader, uint32_t *index, uint32_t *epoch)
{
    struct stream *stream = &loader->stream;
    uint32_t count = loader->options.dataset->info.count;
    uint32_t wanted = (uint32_t)(stream->position / count), offset = (uint32_t)(stream->position % count);
    if (stream->order && wanted != stream->epoch) {
        rncl_random random = rncl_random_stream(loader->options.seed, RNCL_RANDOM_SHUFFLE, wanted, 0);
        rncl_random_permutation(&random, stream->order, count);
    }
    stream->epoch = wanted;
    stream->position++;
    *index = stream->order ? stream->order[offset] : offset;
    *epoch = wanted;
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
        stream_next(loader, &claim.index[i], &claim.epoch[i]);
    loader->claimed_items += claim.count;
    if (loader->claimed_items == batch_size) {
        loader->claimed++;
        loader->claimed_items = 0;
    }
    return claim;
}

static rncl_status read_picture(const struct worker *worker, uint32_t index, int32_t *label)
{
    const rncl_dataset *dataset = worker->loader->options.dataset;
    int number = RNCL_NO_LABEL;
    RNCL_TRY(rncl_dataset_read(dataset, index, worker->read, &number));
    if (number < 0 || number >= dataset->info.classes)
        return RNCL_FAIL(RNCL_ERR_DATA, "picture %u of the %s set: label %d is not one of its %d classes",
                         (unsigned)index, dataset->info.format, number, dataset->info.classes);
    *label = number;
    return RNCL_OK;
}

/* The picture just read, as image x image pixels of the wanted channels; steps with nothing to do are left
 * out. */
static const uint8_t *fit_picture(const struct worker *worker)
{
    const rncl_loader_options *options = &worker->loader->options;
    const rncl_dataset_info *info = &options->dataset->info;
    const uint8_t *pixels = worker->read;
    if (info->channels != options->channels) {
        rncl_picture_convert(pixels, info->channels, worker->converted, options->channels,
                             (size_t)info->height * (size_t)info->width);
        pixels = worker->converted;
    }
    if (info->height != options->image || info->width != options->image) {
        rncl_picture_resize(pixels, info->height, info->width, options->channels, worker->resized,
                            options->image, options->image);
        pixels = worker->resized;
    }
    return pixels;
}

static rncl_status load_picture(const struct worker *worker, uint32_t epoch, uint32_t index, float *image,
                                int32_t *label)
{
    const rncl_loader *loader = worker->loader;
    const rncl_loader_options *options = &loader->options;
    RNCL_TRY(read_picture(worker, index, label));
    rncl_random random = rncl_random_stream(options->seed, RNCL_RANDOM_AUGMENT, epoch, index);
    rncl_view view = rncl_augment_draw(options->augment, &random);
    rncl_augment_apply(&view, &loader->normalisation, fit_picture(worker), options->image, options->channels,
                       image);
    return RNCL_OK;
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
        rncl_status st = load_picture(worker, claim->epoch[i], claim->index[i], image, &slot->labels[item]);
        if (st)
            note_failure(loader, slot, item, st);
    }
}

static void *work(void *argument)
{
    const struct worker *worker = argument;
    rncl_loader *loader = worker->loader;
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
    if (options->batch_size < 1 || options->image < 1 || options->workers < 0)
        return RNCL_FAIL(RNCL_ERR_USAGE, "cannot load batches of %d pictures of %d pixels with %d workers",
                         options->batch_size, options->image, options->workers);
    if (info->count == 0)
        return RNCL_FAIL(RNCL_ERR_DATA, "the %s set has no pictures", info->format);
    if (options->channels < 1 || options->channels > MOST_CHANNELS ||
        !rncl_picture_convertible(info->channels, options->channels))
        return RNCL_FAIL(RNCL_ERR_SHAPE,
                         "cannot make pictures of %d channels from the %s set's, which have %d",
                         options->channels, info->format, info->channels);
    for (int k = 0; k < options->channels; k++)
        if (!(options->std[k] > 0))
            return RNCL_FAIL(RNCL_ERR_USAGE, "a standard deviation of %g cannot normalise; give one above 0",
                             (double)options->std[k]);
    return RNCL_OK;
}

static int default_workers(void)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return processors > 1 ? (int)processors - 1 : 1;
}

static void init_stream(rncl_loader *loader)
{
    const rncl_loader_options *options = &loader->options;
    uint64_t count = options->dataset->info.count;
    struct stream *stream = &loader->stream;
    stream->position = options->start;
    stream->end = options->endless ? UINT64_MAX : MAX(count, options->start);
    stream->epoch = UINT32_MAX; /* none yet: the first picture shuffles */
    uint64_t left = stream->end - stream->position, batch_size = (uint64_t)options->batch_size;
    loader->batches = left / batch_size + (left % batch_size != 0);
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
        loader->slots[i].images = malloc(size_bytes);
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
    const rncl_loader_options *options = &loader->options;
    const rncl_dataset_info *info = &options->dataset->info;
    size_t pixel_count = (size_t)info->height * (size_t)info->width;
    worker->loader = loader;
    worker->read = malloc(pixel_count * (size_t)info->channels);
    worker->converted = malloc(pixel_count * (size_t)options->channels);
    worker->resized = malloc(loader->picture_size);
    if (!worker->read || !worker->converted || !worker->resized)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "no memory for the loader's workers");
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
        loader->options.workers = default_workers();
    pthread_mutex_init(&loader->lock, NULL);
    pthread_cond_init(&loader->work, NULL);
    pthread_cond_init(&loader->ready, NULL);
    rncl_normalisation_init(&loader->normalisation, options->channels, options->mean, options->std);
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
    for (int i = 0; loader->workers && i < loader->options.workers; i++) {
        free(loader->workers[i].read);
        free(loader->workers[i].converted);
        free(loader->workers[i].resized);
    }
    free(loader->workers);
    for (int i = 0; i < SLOTS; i++) {
        free(loader->slots[i].images);
        free(loader->slots[i].labels);
    }
    free(loader->stream.order);
    pthread_cond_destroy(&loader->ready);
    pthread_cond_destroy(&loader->work);
    pthread_mutex_destroy(&loader->lock);
    free(loader);
}
