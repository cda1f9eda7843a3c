/* From options and tuning results to how a network is planned. */
#ifndef RNCL_TRAIN_PLANNING_H
#define RNCL_TRAIN_PLANNING_H

#include "network.h"
#include "options.h"
#include "store.h"

/* What the options say about the device's programs: how long launches may be, precision, and where binaries
 * come from. */
rncl_status rncl_context_prepare(rncl_context *context, const rncl_options *options);

/* The same for a run that is resumed, whose config.ini has been read into the options since then: its
 * precision, unless the command line has another. */
void rncl_context_prepare_again(rncl_context *context, const rncl_options *options);

/* Fills the fields of a setup that decide about algorithms. The store (NULL: presets) must outlive the
 * planning. */
void rncl_planning_apply(const rncl_options *options, rncl_store *store, rncl_network_setup *setup);

/* "hit": every pass that can be tuned is; "partial": some are; "miss": none is. */
const char *rncl_planning_verdict(const rncl_network_facts *facts);

/* Says how many kernels are tuned, by whose results, and what to do about the others. */
void rncl_planning_announce(const rncl_log *log, const rncl_store *store, const rncl_network_facts *facts);

#endif
