/* The tuning store. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "details.h"
#include "file.h"
#include "installation.h"
#include "setting_json.h"
#include "store_state.h"
#include "util.h"

/* Hash of an algorithm's kernels: any change to them may change which setting is fastest, or what the
 * knobs mean. Results of one algorithm mostly follow each other, so that the last hash is cached. */
static rncl_status hash_kernels(rncl_store *store, rncl_op_kind kind, const char *algorithm, uint64_t *hash)
{
    if (!store->hashed.valid || store->hashed.kind != kind ||
        strcmp(store->hashed.algorithm, algorithm) != 0) {
        RNCL_TRY(rncl_algorithm_hash(kind, algorithm, &store->hashed.hash));
        store->hashed.valid = true;
        store->hashed.kind = kind;
        snprintf(store->hashed.algorithm, sizeof store->hashed.algorithm, "%s", algorithm);
    }
    *hash = store->hashed.hash;
    return RNCL_OK;
}

/* The origin of a result that is found now. */
static rncl_status origin_of(rncl_store *store, const rncl_problem *problem, const rncl_setting *setting,
                             rncl_result_origin *origin)
{
    uint64_t hash;
    RNCL_TRY(hash_kernels(store, problem->desc.kind, setting->algorithm, &hash));
    snprintf(origin->driver, sizeof origin->driver, "%s", store->device.driver);
    snprintf(origin->kernels, sizeof origin->kernels, "%016llx", (unsigned long long)hash);
    return RNCL_OK;
}

enum { FILE_NAME = sizeof((rncl_device_info *)0)->name + 48 };

/* "pthread-skylake-avx512-amd-epyc-2.json", "nvidia-h100-132-tf32.json". Does not depend on the locale. */
static void file_name(const rncl_store *store, char name[FILE_NAME])
{
    char *to = name;
    for (const char *from = store->device.name; *from; from++)
        if ((*from >= 'a' && *from <= 'z') || (*from >= '0' && *from <= '9'))
            *to++ = *from;
        else if (*from >= 'A' && *from <= 'Z')
            *to++ = (char)(*from - 'A' + 'a');
        else if (to > name && to[-1] != '-')
            *to++ = '-';
    const bool is_fp32 = store->precision == RNCL_PRECISION_FP32;
    snprintf(to, 48, "-%u%s%s.json", store->device.compute_units, is_fp32 ? "" : "-",
             is_fp32 ? "" : rncl_precision_name(store->precision));
}

/* $XDG_DATA_HOME/rncl/tuning. NULL when out of memory. */
static char *user_folder(void)
{
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    if (data && *data)
        return rncl_text_format("%s/rncl/tuning", data);
    return rncl_text_format("%s/.local/share/rncl/tuning", home ? home : ".");
}

static void say_left_out(const rncl_store *store)
{
    rncl_log_line(&store->log, RNCL_LOG_WARNING, "tuning results are left out: %s", rncl_status_message());
}

/* A file that is damaged or cannot be opened is said and left out; it is not worth a training. */
static rncl_status read_file(rncl_store *store, const char *path, bool own)
{
    rncl_status st = rncl_store_file_read(path, &store->device, own, &store->lines);
    if (st != RNCL_ERR_DATA && st != RNCL_ERR_IO)
        return st;
    say_left_out(store);
    if (!own || st == RNCL_ERR_IO)
        return RNCL_OK;
    char *aside = rncl_text_format("%s.damaged", path);
    if (aside && rename(path, aside) == 0)
        rncl_log_line(&store->log, RNCL_LOG_WARNING, "the file is now %s", aside);
    free(aside);
    return RNCL_OK;
}

static rncl_status find_shipped(const rncl_store *store, char **path)
{
    const char *chosen = getenv("RNCL_TUNING_DIR");
    const char *const folders[] = {RNCL_TUNING_FROM_BIN, RNCL_TUNING_FROM_LIB, RNCL_TUNING_INSTALLED,
                                   RNCL_TUNING_SOURCE, NULL};
    char name[FILE_NAME];
    file_name(store, name);
    if (!chosen)
        return rncl_installation_find(folders, name, path);
    *path = rncl_path_join(chosen, name);
    return *path ? RNCL_OK : RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its name", name);
}

static rncl_status read_shipped(rncl_store *store)
{
    char *path;
    rncl_status st = find_shipped(store, &path);
    if (st == RNCL_ERR_IO) {
        say_left_out(store);
        return RNCL_OK;
    }
    if (!st && path && rncl_file_may_exist(path))
        st = read_file(store, path, false);
    free(path);
    return st;
}

rncl_status rncl_store_sift(rncl_store *store, size_t *dropped)
{
    size_t kept = 0;
    const char *other_driver = NULL;
    for (size_t i = 0; i < store->lines.count; i++) {
        rncl_store_line *line = &store->lines.lines[i];
        rncl_result_origin now;
        RNCL_TRY(origin_of(store, &line->entry.problem, &line->entry.setting, &now));
        if (strcmp(line->origin.kernels, now.kernels) != 0)
            continue;
        store->lines.lines[kept] = *line;
        if (strcmp(line->origin.driver, now.driver) != 0)
            other_driver = store->lines.lines[kept].origin.driver;
        kept++;
    }
    *dropped = store->lines.count - kept;
    store->lines.count = kept;
    if (other_driver)
        rncl_log_line(&store->log, RNCL_LOG_WARNING, "tuned for driver %s, this is %s: `rncl tune` may help",
                      other_driver, store->device.driver);
    return RNCL_OK;
}

static rncl_status open_store(rncl_store *store)
{
    char *folder = user_folder();
    char name[FILE_NAME];
    file_name(store, name);
    store->path = folder ? rncl_path_join(folder, name) : NULL;
    free(folder);
    if (!store->path)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "tuning store");
    RNCL_TRY(read_shipped(store));
    RNCL_TRY(read_file(store, store->path, true));
    size_t dropped;
    RNCL_TRY(rncl_store_sift(store, &dropped));
    if (dropped)
        rncl_log_line(&store->log, RNCL_LOG_NOTE,
                      "%zu old tuning results do not count (other kernels); `rncl tune` makes new", dropped);
    return RNCL_OK;
}

rncl_status rncl_store_create(const rncl_device_info *device, const rncl_log *log, rncl_store **out)
{
    rncl_store *store = *out = calloc(1, sizeof *store);
    if (!store)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "tuning store");
    store->device = *device;
    rncl_device_stable_name(device->name, store->device.name, sizeof store->device.name);
    if (log)
        store->log = *log;
    return RNCL_OK;
}

rncl_status rncl_store_open(const rncl_device_info *device, rncl_precision precision, const rncl_log *log,
                            rncl_store **out)
{
    *out = NULL;
    rncl_store *store;
    RNCL_TRY(rncl_store_create(device, log, &store));
    store->precision = precision;
    const rncl_status st = open_store(store);
    if (st) {
        rncl_store_close(store);
        return st;
    }
    *out = store;
    return RNCL_OK;
}

void rncl_store_close(rncl_store *store)
{
    if (!store)
        return;
    free(store->path);
    free(store->lines.lines);
    free(store);
}

/* The last line of a problem: the user's lines follow the shipped ones and take precedence. */
static rncl_store_line *line_of(const rncl_store *store, const rncl_problem *problem)
{
    for (size_t i = store->lines.count; i-- > 0;) {
        rncl_store_line *line = &store->lines.lines[i];
        if (!line->why[0] && rncl_problem_equal(&line->entry.problem, problem))
            return line;
    }
    return NULL;
}

static int batch_distance(const rncl_problem *a, const rncl_problem *b)
{
    return abs(a->desc.n - b->desc.n);
}

static const rncl_setting *lookup(void *state, const rncl_op_desc *desc, int pass)
{
    rncl_store *store = state;
    const rncl_problem problem = {.desc = *desc, .pass = pass};
    const rncl_store_line *best = line_of(store, &problem);
    for (size_t i = store->lines.count; !best && i-- > 0;)
        if (!store->lines.lines[i].why[0] &&
            rncl_problem_alike(&store->lines.lines[i].entry.problem, &problem))
            best = &store->lines.lines[i];
    for (size_t i = store->lines.count; best && i-- > 0;) {
        const rncl_store_line *line = &store->lines.lines[i];
        if (!line->why[0] && rncl_problem_alike(&line->entry.problem, &problem) &&
            batch_distance(&line->entry.problem, &problem) < batch_distance(&best->entry.problem, &problem))
            best = line;
    }
    if (!best)
        return NULL;
    store->found = best->entry.setting;
    store->found.other_batch = batch_distance(&best->entry.problem, &problem) > 0;
    return &store->found;
}

rncl_tuned rncl_store_tuned(rncl_store *store)
{
    return (rncl_tuned){.lookup = lookup, .state = store};
}

const rncl_tuned_entry *rncl_store_find(const rncl_store *store, const rncl_problem *problem)
{
    const rncl_store_line *line = line_of(store, problem);
    return line ? &line->entry : NULL;
}

const char *rncl_store_whose(const rncl_store *store)
{
    if (store->kept)
        return "the run's";
    for (size_t i = 0; i < store->lines.count; i++)
        if (store->lines.lines[i].own && !store->lines.lines[i].why[0])
            return "your";
    return "shipped";
}

size_t rncl_store_count(const rncl_store *store)
{
    return store->lines.count;
}

const rncl_tuned_entry *rncl_store_at(const rncl_store *store, size_t index)
{
    return &store->lines.lines[index].entry;
}

static rncl_status save(const rncl_store *store)
{
    char *folder = user_folder();
    if (!folder)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "tuning store");
    rncl_status st = rncl_directory_create(folder);
    free(folder);
    return st ? st : rncl_store_file_write(store->path, &store->device, &store->lines);
}

rncl_status rncl_store_put(rncl_store *store, const rncl_tuned_entry *entry)
{
    rncl_store_line line = {.entry = *entry, .own = true};
    RNCL_TRY(origin_of(store, &entry->problem, &entry->setting, &line.origin));
    rncl_store_line *old = line_of(store, &entry->problem);
    if (old && old->own)
        *old = line;
    else
        RNCL_TRY(rncl_store_lines_add(&store->lines, &line));
    return save(store);
}

rncl_status rncl_store_fail(rncl_store *store, const rncl_problem *problem, const rncl_setting *setting,
                            const char *why)
{
    rncl_store_line line = {.entry = {.problem = *problem, .setting = *setting}, .own = true};
    RNCL_TRY(origin_of(store, problem, setting, &line.origin));
    snprintf(line.why, sizeof line.why, "%s", *why ? why : "no reason was given");
    RNCL_TRY(rncl_store_lines_add(&store->lines, &line));
    return save(store);
}

bool rncl_store_failed(const rncl_store *store, const rncl_problem *problem, const rncl_setting *setting)
{
    for (size_t i = 0; i < store->lines.count; i++) {
        const rncl_store_line *line = &store->lines.lines[i];
        if (line->why[0] && rncl_problem_equal(&line->entry.problem, problem) &&
            rncl_setting_equal(&line->entry.setting, setting))
            return true;
    }
    return false;
}

rncl_status rncl_store_forget(rncl_store *store, bool everything)
{
    size_t kept = 0;
    for (size_t i = 0; i < store->lines.count; i++)
        if (!everything && !strcmp(store->lines.lines[i].origin.driver, store->device.driver))
            store->lines.lines[kept++] = store->lines.lines[i];
    store->lines.count = kept;
    return save(store);
}

const char *rncl_store_path(const rncl_store *store)
{
    return store->path;
}
