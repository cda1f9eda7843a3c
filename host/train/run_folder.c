/* Which folder a run gets. No run is ever written over another. */
#include "run_folder.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "file.h"
#include "util.h"

static const char parent[] = "runs";

static rncl_status join(const char *folder, const char *name, char path[RNCL_TEXT_LENGTH])
{
    if (snprintf(path, RNCL_TEXT_LENGTH, "%s/%s", folder, name) >= RNCL_TEXT_LENGTH)
        return RNCL_FAIL(RNCL_ERR_USAGE, "%.60s…/%s: longer than %d characters", folder, name,
                         RNCL_TEXT_LENGTH - 1);
    return RNCL_OK;
}

rncl_status rncl_run_folder_path(const rncl_options *options, const char *name, char path[RNCL_TEXT_LENGTH])
{
    return join(options->out, name, path);
}

static rncl_status choose_resumed(rncl_options *options)
{
    char path[RNCL_TEXT_LENGTH];
    if (options->out[0])
        return RNCL_FAIL(RNCL_ERR_USAGE, "--resume %.200s continues in that folder; leave --out away",
                         options->resume);
    RNCL_TRY(join(options->resume, RNCL_RUN_CHECKPOINT, path));
    if (!rncl_file_exists(path))
        return RNCL_FAIL(RNCL_ERR_MODEL, "%s: no such checkpoint; --resume takes the folder of a run", path);
    RNCL_TRY(join(options->resume, RNCL_RUN_CONFIG, path));
    RNCL_TRY(rncl_options_read(options, path, RNCL_FOR_TRAIN));
    memcpy(options->out, options->resume, sizeof options->out);
    return RNCL_OK;
}

rncl_status rncl_run_folder_choose(rncl_options *options)
{
    if (options->resume[0])
        return choose_resumed(options);
    if (!options->out[0])
        return RNCL_OK;
    char path[RNCL_TEXT_LENGTH];
    RNCL_TRY(join(options->out, RNCL_RUN_CHECKPOINT, path));
    if (rncl_file_exists(path))
        return RNCL_FAIL(RNCL_ERR_USAGE,
                         "--out %.200s holds a run; continue it with --resume, or choose another folder",
                         options->out);
    return RNCL_OK;
}

/* mkdir, which says whether the folder is new, decides between runs that start in the same second. */
static rncl_status create_dated(rncl_options *options)
{
    char date[32];
    const time_t now = time(NULL);
    struct tm local;
    localtime_r(&now, &local);
    strftime(date, sizeof date, "%Y%m%d-%H%M%S", &local);
    RNCL_TRY(rncl_directory_create(parent));
    for (int again = 1;; again++) {
        char suffix[16] = "";
        if (again > 1)
            snprintf(suffix, sizeof suffix, "-%d", again);
        snprintf(options->out, sizeof options->out, "%s/%s-%s-%d%s", parent, date,
                 rncl_arch_name(options->network.arch), options->network.depth, suffix);
        if (mkdir(options->out, 0777) == 0)
            return RNCL_OK;
        if (errno != EEXIST)
            return RNCL_FAIL(RNCL_ERR_IO, "%s: cannot create the folder: %s", options->out, strerror(errno));
    }
}

rncl_status rncl_run_folder_create(rncl_options *options)
{
    return options->out[0] ? rncl_directory_create(options->out) : create_dated(options);
}
