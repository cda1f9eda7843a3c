/* Batches ahead of the device: worker threads read, augment and normalise pictures into a ring of batches.
 * What is in a batch is a function of (seed, position) alone: not of the number of workers, nor of when it is
 * asked for. */
#ifndef RNCL_DATA_LOADER_H
#define RNCL_DATA_LOADER_H

#include <stdbool.h>
#include <stdint.h>

#include "colour.h"
#include "dataset.h"

typedef enum rncl_augment {
    RNCL_AUGMENT_NONE,
    RNCL_AUGMENT_CIFAR,    /* He et al. 2015, section 4.2: pad 4, random crop, horizontal flip */
    RNCL_AUGMENT_IMAGENET, /* torchvision's RandomResizedCrop, horizontal flip */
    RNCL_AUGMENT_SCALE,    /* He et al. 2015, section 3.4: scale jitter, random crop, horizontal flip */
} rncl_augment;

/* Where batches lie: memory from which a device can read. `create` returns NULL without memory. Called by the
 * thread that creates or destroys the loader. NULL functions: malloc and free. */
typedef struct rncl_batch_memory {
    void *(*create)(void *user, size_t size_bytes);
    void (*destroy)(void *user, void *memory); /* takes NULL */
    void *user;
} rncl_batch_memory;

typedef struct rncl_loader_options {
    const rncl_dataset *dataset; /* must outlive the loader */
    int batch_size;
    /* Pictures come out image x image. Those of a set of one size are taken whole, and resized, unless a crop
     * is asked for. Of others, those of image x image pixels are taken as they are, and the rest is cropped
     * as evaluation does it (crop.h); an augmentation that has crops of its own crops all. */
    int image;
    int channels; /* grey is repeated, or averaged to grey, when the dataset's differ */
    bool shuffle;
    rncl_augment augment;
    rncl_colour_jitter jitter; /* zeros: none; needs 3 channels */
    float lighting;            /* strength of PCA lighting; 0: none; needs 3 channels */
    /* 10 (evaluation only): each picture is 10 entries of the stream in a row, crops 0 to 9 of crop.h, with
     * the same label; `start` counts entries. 0 or 1: one entry. */
    int crops;
    uint64_t seed;
    float mean[4], std[4]; /* value = (pixel / 255 - mean) / std */
    int workers;           /* threads; 0: one less than the processors, all if they yield; at least 1 */
    bool yields; /* they give way to other threads: the device computes on the same processors, and where one
                    is taken away, the rest wait for it */
    /* Endless (training): pictures come in a stream of epochs without gaps; a batch may span two. The loader
     * starts with picture `start` of that stream. Not endless (evaluation): one pass in order; the last batch
     * is filled up with blank pictures labelled RNCL_NO_LABEL.
     * Bad pictures of a set that passes over them are replaced, when endless, by the next good one of the
     * set, and otherwise by a blank one. */
    bool endless;
    uint64_t start;
    /* Entries from the beginning of a batch to that of the next, at least batch_size: those in between are
     * for others, with whom the stream is shared. 0: batch_size. */
    uint64_t stride;
    rncl_batch_memory memory;
} rncl_loader_options;

/* One batch; owned by the loader, valid until released. */
typedef struct rncl_batch {
    const float *images;   /* [batch_size][image][image][channels] */
    const int32_t *labels; /* [batch_size] */
    int count;             /* pictures that are not filling */
} rncl_batch;

typedef struct rncl_loader rncl_loader;

rncl_status rncl_loader_create(const rncl_loader_options *options, rncl_loader **out);

/* The next batch, in order; waits if it is not ready. *batch is NULL after the last one of a pass. A picture
 * that could not be read is reported here with the reader's status and message. */
rncl_status rncl_loader_next(rncl_loader *loader, const rncl_batch **batch);

/* Gives the oldest batch that was taken back to the workers. At least two may be held at a time. */
void rncl_loader_release(rncl_loader *loader);

/* Time that rncl_loader_next has spent waiting so far. */
uint64_t rncl_loader_waited_ns(const rncl_loader *loader);

/* Stops the workers, also in the middle of a batch. */
void rncl_loader_destroy(rncl_loader *loader);

#endif
