/* Whether a device computes what a network will ask of it, before anything depends on the answers. */
#ifndef RNCL_TRAIN_SELF_TEST_H
#define RNCL_TRAIN_SELF_TEST_H

#include "context.h"
#include "network.h"

/* Checks the network's operations at small shapes against the host's reference, each algorithm and setting
 * once. What has passed is remembered in the cache's folder for this device, driver, version of rncl and
 * these kernels, and is not done again. RNCL_ERR_WRONG_RESULT names the first result that is wrong. */
rncl_status rncl_self_test(rncl_context *context, const rncl_network *network);

/* Only builds the programs that the test would need, and runs nothing. */
rncl_status rncl_self_test_build(const rncl_network *network);

#endif
