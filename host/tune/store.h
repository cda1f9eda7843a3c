/* Tuning results, in one JSON file a device: a shipped one, and the user's own, which takes precedence. */
#ifndef RNCL_TUNE_STORE_H
#define RNCL_TUNE_STORE_H

#include "problem.h"

/* The best known setting of a problem. */
typedef struct rncl_tuned_entry {
    rncl_problem problem;
    rncl_setting setting;
    uint64_t time_ns, preset_ns; /* of this setting, and of the presets */
    bool finished;               /* its share of a budget was used up: later runs skip the problem */
} rncl_tuned_entry;

typedef struct rncl_store rncl_store;

/* Reads tuning/ and the user's file for this device, platform, number of compute units and precision, which
 * is the context's: with another one other algorithms can be chosen. Entries for other kernel sources are
 * dropped, those of another driver version used; both are logged. A damaged file is logged and skipped. No
 * file at all is an empty store. */
rncl_status rncl_store_open(const rncl_device_info *device, rncl_precision precision, const rncl_log *log,
                            rncl_store **out);
void rncl_store_close(rncl_store *store);

/* Writes to `path` what planning may look up for the problems, with any batch. */
rncl_status rncl_store_keep(const rncl_store *store, const rncl_problem *problems, size_t count,
                            const char *path);

/* A store of the results in a file of rncl_store_keep and no others. *out is NULL if there is no such file,
 * or if it is damaged or for another device or other kernels, which is logged. */
rncl_status rncl_store_open_kept(const char *path, const rncl_device_info *device, const rncl_log *log,
                                 rncl_store **out);

/* For planning: looks up the problem's setting, or that of the nearest batch, which is other_batch. The store
 * must outlive the lookup's users. */
rncl_tuned rncl_store_tuned(rncl_store *store);

/* The entry of exactly this problem, or NULL. Valid until the next put. */
const rncl_tuned_entry *rncl_store_find(const rncl_store *store, const rncl_problem *problem);

/* "your", if some of what it looks up was found here, "shipped", if all came with rncl, or "the run's". */
const char *rncl_store_whose(const rncl_store *store);

size_t rncl_store_count(const rncl_store *store);
const rncl_tuned_entry *rncl_store_at(const rncl_store *store, size_t index);

/* Adds or replaces; the user's file is on disk when the call returns. */
rncl_status rncl_store_put(rncl_store *store, const rncl_tuned_entry *entry);

/* Stores a candidate that must not be tried again, and why; also on disk when the call returns. */
rncl_status rncl_store_fail(rncl_store *store, const rncl_problem *problem, const rncl_setting *setting,
                            const char *why);
bool rncl_store_failed(const rncl_store *store, const rncl_problem *problem, const rncl_setting *setting);

/* Removes the results of other driver versions, or all results. */
rncl_status rncl_store_forget(rncl_store *store, bool everything);

/* Path of the user's file. */
const char *rncl_store_path(const rncl_store *store);

#endif
