/* What a run is going to do, said before it does it: aligned lines with a label each, of at most 80 columns.
 */
#ifndef RNCL_TRAIN_ANNOUNCE_H
#define RNCL_TRAIN_ANNOUNCE_H

#include "training.h"

/* Once in a training, before anything is compiled: three lines for the device and its batches, the network
 * and its learning rate, the data and what becomes of its pictures. */
void rncl_announce_plan(rncl_training *training, const rncl_network_facts *facts);

/* With the network in place: what of it is tuned, the run folder, in detail its memory. Warns of batch
 * normalisations that would see a single value. */
void rncl_announce_network(const rncl_training *training);

#endif
