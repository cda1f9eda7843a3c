/* What tuning has found, in one JSON file a device: shipped ones, and the user's own, which win. */
#ifndef RNCL_TUNE_STORE_H
#define RNCL_TUNE_STORE_H

#include "problem.h"

/* The best known setting of a problem. */
typedef struct rncl_tuned_entry {
    rncl_problem problem;
    rncl_setting setting;
    uint64_t time_ns, preset_ns; /* of it, and of what untuned planning takes */
    bool finished;               /* its share of a budget was used up: it need not be looked at again */
} rncl_tuned_entry;

typedef struct rncl_store rncl_store;

/* Reads tuning/ and the user's file for this device, platform and number of compute units. Entries for other
 * kernel sources are dropped, of another driver version used; both are said in the log, as is a file that
 * cannot be read, which is then left out. No file at all is an empty store. */
rncl_status rncl_store_open(const rncl_device_info *device, const rncl_log *log, rncl_store **out);
void rncl_store_close(rncl_store *store);

/* For planning: the problem's own setting, or that of the nearest batch. The store must outlive what it is
 * handed to. */
rncl_tuned rncl_store_tuned(rncl_store *store);

/* The entry of exactly this problem, or NULL. Valid until the next put. */
const rncl_tuned_entry *rncl_store_find(const rncl_store *store, const rncl_problem *problem);

/* Whether some of what it looks up was found here, and did not come with rncl. */
bool rncl_store_has_own(const rncl_store *store);

size_t rncl_store_count(const rncl_store *store);
const rncl_tuned_entry *rncl_store_at(const rncl_store *store, size_t index);

/* Adds or replaces; the user's file is on disk when the call returns. */
rncl_status rncl_store_put(rncl_store *store, const rncl_tuned_entry *entry);

/* Remembers a candidate that must not be tried again, and why; likewise on disk. */
rncl_status rncl_store_fail(rncl_store *store, const rncl_problem *problem, const rncl_setting *setting,
                            const char *why);
bool rncl_store_failed(const rncl_store *store, const rncl_problem *problem, const rncl_setting *setting);

/* Forgets all that was found by and for other drivers, or everything. */
rncl_status rncl_store_forget(rncl_store *store, bool everything);

/* Where the user's file is. */
const char *rncl_store_path(const rncl_store *store);

#endif
