/* Devices of ranks. */
#include "rank_device.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "options.h"
#include "util.h"

static bool is_like(const rncl_device *device, const rncl_device *first)
{
    return device->info.type == first->info.type && device->platform == first->platform;
}

/* The `index`-th device like the first one, again from the beginning behind the last. */
static const rncl_device *choose_alike(const rncl_device_list *list, int index)
{
    int count = 0;
    for (size_t i = 0; i < list->count; i++)
        count += is_like(&list->devices[i], &list->devices[0]);
    index %= count;
    for (size_t i = 0;; i++)
        if (is_like(&list->devices[i], &list->devices[0]) && index-- == 0)
            return &list->devices[i];
}

/* The `index`-th entry of a list separated by commas, again from the beginning behind the last. */
static void choose_entry(const char *selector, int index, char entry[RNCL_TEXT_LENGTH])
{
    int count = 1;
    for (const char *at = selector; (at = strchr(at, ',')); at++)
        count++;
    for (index %= count; index > 0; index--)
        selector = strchr(selector, ',') + 1;
    snprintf(entry, RNCL_TEXT_LENGTH, "%.*s", (int)strcspn(selector, ","), selector);
}

rncl_status rncl_rank_device_choose(const rncl_device_list *list, const char *selector,
                                    const rncl_ranks *ranks, const rncl_device **out)
{
    char entry[RNCL_TEXT_LENGTH];
    if (!ranks)
        return rncl_device_choose(list, selector, out);
    if (list->count && (!selector || !*selector || !strcmp(selector, "auto"))) {
        *out = choose_alike(list, ranks->local_index);
        return RNCL_OK;
    }
    choose_entry(selector, ranks->local_index, entry);
    return rncl_device_choose(list, entry, out);
}

typedef struct place {
    char machine[64], device[128];
    int number;
    int cores, share; /* that the rank may use, and an equal part of those it could */
} place;

/* Launchers bind ranks to cores: Open MPI, where there are two or fewer, each to a single one. What a job's
 * control group forbids is left out of the part. */
static void find_cores(const rncl_ranks *ranks, place *mine)
{
    cpu_set_t bound, all;
    if (sched_getaffinity(0, sizeof bound, &bound))
        return;
    memset(&all, 0xff, sizeof all);
    if (sched_setaffinity(0, sizeof all, &all) || sched_getaffinity(0, sizeof all, &all) ||
        sched_setaffinity(0, sizeof bound, &bound))
        return;
    mine->cores = CPU_COUNT(&bound);
    mine->share = CPU_COUNT(&all) / ranks->local_count;
}

static void warn_of_binding(const rncl_log *log, const place *places, int count)
{
    for (int i = 0; i < count; i++)
        if (places[i].cores < places[i].share) {
            rncl_log_line(log, RNCL_LOG_WARNING,
                          "rank %d is bound to %d of the %d cores that could be its own; `mpirun --bind-to "
                          "none` (Open MPI) leaves them to it",
                          i, places[i].cores, places[i].share);
            return;
        }
}

static void warn_of_sharing(const rncl_log *log, const place *places, int count)
{
    for (int i = 1; i < count; i++)
        for (int other = 0; other < i; other++) {
            if (places[i].number != places[other].number || strcmp(places[i].machine, places[other].machine))
                continue;
            rncl_log_line(log, RNCL_LOG_WARNING, "ranks %d and %d share device %d of %s, %s", other, i,
                          places[i].number, places[i].machine, places[i].device);
            return;
        }
}

rncl_status rncl_rank_devices_tell(rncl_ranks *ranks, const rncl_context *context)
{
    const void *gathered;
    place mine;
    char text[768];
    size_t length = 0;
    if (!ranks)
        return RNCL_OK;
    memset(&mine, 0, sizeof mine);
    gethostname(mine.machine, sizeof mine.machine - 1);
    snprintf(mine.device, sizeof mine.device, "%s", context->info.name);
    mine.number = context->info.number;
    find_cores(ranks, &mine);
    RNCL_TRY(rncl_ranks_gather(ranks, &mine, sizeof mine, &gathered));
    const place *places = gathered;
    if (!rncl_ranks_first(ranks))
        return RNCL_OK;
    for (int i = 0; i < ranks->count && length < sizeof text; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%d on %s: device %d, %s",
                                   i ? "; " : "", i, places[i].machine, places[i].number, places[i].device);
    rncl_log_line(&context->log, RNCL_LOG_NOTE, "%-10s%s", "ranks", text);
    warn_of_sharing(&context->log, places, ranks->count);
    warn_of_binding(&context->log, places, ranks->count);
    return RNCL_OK;
}
