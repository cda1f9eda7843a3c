/* The results that a run began with, in a file of its own. */
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "store_state.h"
#include "util.h"

static bool is_for_any(const rncl_problem *problems, size_t count, const rncl_problem *one)
{
    for (size_t i = 0; i < count; i++)
        if (rncl_problem_alike(&problems[i], one))
            return true;
    return false;
}

rncl_status rncl_store_keep(const rncl_store *store, const rncl_problem *problems, size_t count,
                            const char *path)
{
    rncl_store_lines kept = {0};
    rncl_status st = RNCL_OK;
    for (size_t i = 0; i < store->lines.count && !st; i++) {
        rncl_store_line line = store->lines.lines[i];
        line.own = true; /* so that it is written */
        if (!line.why[0] && is_for_any(problems, count, &line.entry.problem))
            st = rncl_store_lines_add(&kept, &line);
    }
    if (!st)
        st = rncl_store_file_write(path, &store->device, &kept);
    free(kept.lines);
    return st;
}

/* Why a file's results do not hold here; NULL: they do. */
static rncl_status find_fault(rncl_store *store, const char **fault)
{
    size_t dropped = 0;
    const rncl_status st = rncl_store_file_read(store->path, &store->device, true, &store->lines);
    *fault = NULL;
    if (st == RNCL_ERR_DATA || st == RNCL_ERR_IO)
        *fault = rncl_status_message();
    else if (st)
        return st;
    else if (store->lines.foreign)
        *fault = "they are for another device";
    if (*fault)
        return RNCL_OK;
    RNCL_TRY(rncl_store_sift(store, &dropped));
    if (dropped)
        *fault = "they are for other kernels";
    return RNCL_OK;
}

static rncl_status open_kept(rncl_store *store, const char *path, bool *usable)
{
    const char *fault;
    store->kept = true;
    store->path = strdup(path);
    if (!store->path)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "tuning store");
    RNCL_TRY(find_fault(store, &fault));
    *usable = !fault;
    if (fault)
        rncl_log_line(&store->log, RNCL_LOG_WARNING,
                      "%s: the tuning results that this run began with are left out, so that its numbers "
                      "will be rounded differently: %s",
                      path, fault);
    return RNCL_OK;
}

rncl_status rncl_store_open_kept(const char *path, const rncl_device_info *device, const rncl_log *log,
                                 rncl_store **out)
{
    *out = NULL;
    bool usable = false;
    rncl_store *store;
    if (!rncl_file_may_exist(path))
        return RNCL_OK;
    RNCL_TRY(rncl_store_create(device, log, &store));
    const rncl_status st = open_kept(store, path, &usable);
    if (!st && usable)
        *out = store;
    else
        rncl_store_close(store);
    return st;
}
