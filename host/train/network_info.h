/* Facts of a network that is not run. */
#ifndef RNCL_TRAIN_NETWORK_INFO_H
#define RNCL_TRAIN_NETWORK_INFO_H

#include "options.h"
#include "rncl/rncl.h"

/* As rncl_session_network; `options` come back complete. */
rncl_status rncl_network_info_create(rncl_options *options, const rncl_log *log, rncl_network_info **out);

#endif
