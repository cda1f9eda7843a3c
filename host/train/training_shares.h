/* A rank's part of each batch, and how it is cut into micro-batches. Collective, as training_ranks.h is. */
#ifndef RNCL_TRAIN_TRAINING_SHARES_H
#define RNCL_TRAIN_TRAINING_SHARES_H

#include "training.h"

/* A run that is resumed by another number of ranks than its shares are for measures them anew. `options` is
 * the same as training->options. */
void rncl_training_settle_shares(const rncl_training *training, rncl_options *options);

/* This rank's part of each batch. RNCL_ERR_USAGE where there are more ranks than pictures, or --shares is not
 * for so many ranks. */
rncl_status rncl_training_take_share(rncl_training *training);

/* --shares auto: measures the devices, all at once, with equal shares; options->shares then says the measured
 * ones. Says them, too. Nothing if they are not asked for. `options` is the same as training->options; the
 * training has its inputs and graph. */
rncl_status rncl_training_measure_shares(rncl_training *training, rncl_options *options);

/* A loader of this rank's part of each batch, from one of whole batches. */
rncl_loader_options rncl_training_loader(const rncl_training *training, rncl_loader_options loader);

/* The micro-batch that the options ask for, as this rank's part can be cut: a run may have been begun by more
 * ranks or fewer. With --sync-bn it is one of all ranks together. */
int rncl_training_micro_batch(const rncl_training *training, int micro_batch);
/* What the options of a run are to say of it: that of the rank with the largest. */
rncl_status rncl_training_kept_micro_batch(rncl_training *training, int *micro_batch);

#endif
