/* Training and validation pictures, and how loaders read them. */
#ifndef RNCL_TRAIN_INPUTS_H
#define RNCL_TRAIN_INPUTS_H

#include "dataset.h"
#include "loader.h"
#include "options.h"
#include "status.h"

typedef struct rncl_inputs {
    rncl_dataset *training; /* NULL if only the validation split was asked for */
    rncl_dataset *validation;
} rncl_inputs;

/* Opens the options' images in memory, or options->data, or the built-in set, at options->network.image.
 * `log` is told about pictures that are passed over; may be NULL, else outlives the inputs. RNCL_ERR_USAGE
 * for images in memory and options->data together, and for a split that is not there. */
rncl_status rncl_inputs_open(const rncl_options *options, bool training, const rncl_log *log,
                             rncl_inputs *out);
/* Whether the options have images in memory. */
bool rncl_inputs_in_memory(const rncl_options *options);
void rncl_inputs_close(rncl_inputs *inputs); /* harmless on a zeroed one */

/* Fills in what the options leave to the data: image, channels (if 0), classes, mean and std. RNCL_ERR_USAGE
 * if the network has fewer classes than the data, or std is not given for all channels. */
rncl_status rncl_inputs_complete(const rncl_inputs *inputs, rncl_options *options);

/* The endless stream of training batches, from picture `start` on. */
rncl_loader_options rncl_inputs_training(const rncl_inputs *inputs, const rncl_options *options,
                                         uint64_t start);
/* One pass over the validation pictures. */
rncl_loader_options rncl_inputs_validation(const rncl_inputs *inputs, const rncl_options *options);

#endif
