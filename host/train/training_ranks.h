/* What the ranks of a training tell each other. All of it is collective (ranks.h), and nothing where the
 * training is alone. */
#ifndef RNCL_TRAIN_TRAINING_RANKS_H
#define RNCL_TRAIN_TRAINING_RANKS_H

#include "measure.h"
#include "training.h"

/* Rank 0's options on every rank. */
rncl_status rncl_training_share_options(rncl_training *training, rncl_options *options);

/* To be called on every rank where all of them find the same failure: rank 0 alone tells of it. */
void rncl_training_found_by_all(const rncl_training *training);
void rncl_training_found_by_none(const rncl_training *training); /* what there was is over */

/* RNCL_ERR_USAGE unless all ranks have the same data and network. */
rncl_status rncl_training_compare_ranks(rncl_training *training);

/* RNCL_ERR_USAGE where --sync-bn cannot be done: every rank must take as many micro-batches. */
rncl_status rncl_training_compare_turns(rncl_training *training);

/* *first: whether no lower rank on this machine has the same kind of device. */
rncl_status rncl_training_first_of_kind(rncl_training *training, bool *first);

/* The network's part in it. Everybody's results of a step are its results, and what everybody wishes is in
 * training->agreed. */
rncl_network_others rncl_training_others(rncl_training *training);

/* Rank 0's vectors on the host and its state. */
rncl_status rncl_training_share_vectors(rncl_training *training);

/* Before an evaluation: rank 0's running statistics on every device, and its weights, from which devices of
 * other kinds may have drifted away by rounding. RNCL_ERR_WRONG_RESULT if devices of one kind have. */
rncl_status rncl_training_align(rncl_training *training);

/* Everybody's evaluation; RNCL_ERR_INTERRUPTED if anybody was asked to stop. `user`: the training. */
rncl_status rncl_training_join_evaluation(void *user, rncl_status status, rncl_batch_result *sums);

#endif
