/* Which device each rank of a machine gets. */
#ifndef RNCL_CLI_RANK_DEVICE_H
#define RNCL_CLI_RANK_DEVICE_H

#include "context.h"
#include "device.h"
#include "ranks.h"

/* As rncl_device_choose, for a rank: of a list separated by commas the ranks of a machine take one each, in
 * their order, and begin anew behind the last; "auto" is the list of all devices of the first one's kind and
 * platform. `ranks` NULL: as rncl_device_choose. */
rncl_status rncl_rank_device_choose(const rncl_device_list *list, const char *selector,
                                    const rncl_ranks *ranks, const rncl_device **out);

/* One line to rank 0's log about who has what; warnings where two ranks have the same, and where the launcher
 * has bound one to fewer cores than its part of the machine. Collective. */
rncl_status rncl_rank_devices_tell(rncl_ranks *ranks, const rncl_context *context);

#endif
