/* One picture on its way from a data set into a batch: read, cropped, coloured, normalised. */
#ifndef RNCL_DATA_PREPARE_H
#define RNCL_DATA_PREPARE_H

#include <stdint.h>

#include "loader.h"

enum { RNCL_MOST_CHANNELS = 4 };

/* An entry of the loader's stream. */
typedef struct rncl_sample {
    uint32_t index, epoch;
    int crop; /* 0 unless there are ten of each picture */
} rncl_sample;

/* What one thread needs for it. */
typedef struct rncl_preparer rncl_preparer;

/* RNCL_ERR_USAGE or RNCL_ERR_SHAPE, saying what to change, if the data set's pictures cannot become what the
 * options ask for. */
rncl_status rncl_prepare_check(const rncl_loader_options *options);

/* `options` have been checked and outlive the preparer. */
rncl_status rncl_preparer_create(const rncl_loader_options *options, rncl_preparer **out);
void rncl_preparer_destroy(rncl_preparer *preparer); /* takes NULL */

/* Writes the sample as image x image x channels floats, and its label. Depends on nothing but the options and
 * the sample. A picture that a set passes over is replaced as loader.h says. */
rncl_status rncl_prepare(rncl_preparer *preparer, const rncl_sample *sample, float *image, int32_t *label);

#endif
