/* What a run is going to do, said before it does it: aligned lines with a label each, of at most 80 columns.
 */
#ifndef RNCL_TRAIN_ANNOUNCE_H
#define RNCL_TRAIN_ANNOUNCE_H

#include "training.h"

/* Before anything is compiled: device, network, data, pictures, training. */
void rncl_announce_plan(const rncl_training *training);

/* With the network in place: its memory and micro-batches, what of it is tuned, the run folder. Warns of
 * batch normalisations that would see a single value. */
void rncl_announce_network(const rncl_training *training);

#endif
