/* --batch-size auto: which batch makes good use of the device, by measurement. */
#ifndef RNCL_TRAIN_BATCH_SEARCH_H
#define RNCL_TRAIN_BATCH_SEARCH_H

#include "training.h"

/* A batch and the training speed with it. */
typedef struct rncl_batch_speed {
    int batch;
    double images_per_second;
} rncl_batch_speed;

/* The largest batch that pays: batches double from one to the next, and the last one counts that is at least
 * a twentieth faster than the one before it. `count` is 1 or more. */
int rncl_batch_that_pays(const rncl_batch_speed *speeds, size_t count);

/* Measures steps with random pictures for batches of 8 and its doubles up to options->batch_size, each for up
 * to half a minute, and says what was found: options->batch_size, and the rate that goes with it. `options`
 * is the same as training->options; the training has its inputs and graph, and nothing else of it is changed.
 */
rncl_status rncl_batch_search(rncl_training *training, rncl_options *options);

/* Measures steps of speed->batch in the same way: speed->images_per_second. */
rncl_status rncl_batch_measure(rncl_training *training, rncl_batch_speed *speed);

#endif
