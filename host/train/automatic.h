/* What a run takes where the options leave it open: a batch that suits the data, and a learning rate that
 * suits the batch. */
#ifndef RNCL_TRAIN_AUTOMATIC_H
#define RNCL_TRAIN_AUTOMATIC_H

#include <stdint.h>

#include "options.h"

/* The batch for so many training pictures: the power of two up to an eighth of them, so that an epoch has
 * eight steps or more; at least 2, at most 256. */
int rncl_automatic_batch(uint32_t pictures);

/* Completes the options of a run: a batch size that is not given, or is 0, becomes the automatic one; a
 * learning rate that is not given becomes 0.1 for 256 pictures, and in proportion for other batches (Goyal et
 * al. 2017, section 2.1). */
void rncl_automatic_complete(rncl_options *options, uint32_t pictures);

/* Whether the batch is to be measured, up to the automatic one: "auto" was said. To be asked before
 * rncl_automatic_complete. */
bool rncl_automatic_is_measured(const rncl_options *options);

/* For all that is no training: a batch size of 0 becomes the other commands' default. */
void rncl_automatic_settle(rncl_options *options);

/* Whether it is for rncl_automatic_complete to choose, or was. */
bool rncl_automatic_is_lr(const rncl_options *options);
bool rncl_automatic_is_batch(const rncl_options *options);

#endif
