/* Reads config.ini, last.ckpt, metrics.csv and steps.csv. Whether the run goes on is told by its lock. */
#include "followed_run.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "run_folder.h"
#include "smooth.h"
#include "util.h"

static const char *const metric_names[] = {"epoch",    "step",     "train_loss",       "train_top1",
                                           "val_loss", "val_top1", "images_per_second"};
static const char *const step_names[] = {"step", "loss", "lr"};

/* The speed is that of so much time, if there is as much. */
static const uint64_t speed_window_ns = 60000000000;

/* Where files cannot be locked, a run that has written nothing for so long is taken to be over. */
enum { SILENCE_SECONDS = 600 };

void rncl_followed_run_init(rncl_followed_run *run, const char *folder)
{
    *run = (rncl_followed_run){.folder = folder, .saved_step = -1, .pictures = NAN};
}

void rncl_followed_run_fini(rncl_followed_run *run)
{
    rncl_columns_fini(&run->metrics);
    rncl_columns_fini(&run->steps);
}

bool rncl_followed_run_is_over(const rncl_followed_run *run)
{
    return run->phase == RNCL_RUN_FINISHED || run->phase == RNCL_RUN_ENDED;
}

static rncl_status path_of(const rncl_followed_run *run, const char *name, char path[RNCL_TEXT_LENGTH])
{
    if (snprintf(path, RNCL_TEXT_LENGTH, "%s/%s", run->folder, name) >= RNCL_TEXT_LENGTH)
        return RNCL_FAIL(RNCL_ERR_USAGE, "%.60s…: longer than %d characters", run->folder,
                         RNCL_TEXT_LENGTH - 1);
    return RNCL_OK;
}

/* ---- what has changed ---- */

static rncl_status digest_files(const rncl_followed_run *run, uint64_t *digest, time_t *newest)
{
    static const char *const names[] = {RNCL_RUN_CONFIG, RNCL_RUN_CHECKPOINT, "metrics.csv", "steps.csv"};
    *digest = RNCL_HASH_START;
    *newest = 0;
    for (size_t i = 0; i < COUNT(names); i++) {
        char path[RNCL_TEXT_LENGTH];
        struct stat facts = {0};
        RNCL_TRY(path_of(run, names[i], path));
        if (stat(path, &facts) != 0) {
            if (errno != ENOENT)
                return RNCL_FAIL(RNCL_ERR_IO, "%s: cannot be seen: %s", path, strerror(errno));
            facts = (struct stat){0};
        }
        const int64_t numbers[] = {facts.st_size, facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec,
                                   (int64_t)facts.st_ino};
        *digest = rncl_hash(*digest, numbers, sizeof numbers);
        *newest = MAX(*newest, facts.st_mtim.tv_sec);
    }
    return RNCL_OK;
}

typedef enum lock_state { LOCK_FREE, LOCK_TAKEN, LOCK_UNKNOWN } lock_state;

/* A shared lock is tried, for an instant; whoever begins to train in that instant tries again. */
static rncl_status look_at_lock(const char *folder, lock_state *state)
{
    const int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return RNCL_FAIL(RNCL_ERR_IO, "%s: cannot open the folder: %s", folder, strerror(errno));
    if (flock(descriptor, LOCK_SH | LOCK_NB) == 0)
        *state = LOCK_FREE;
    else
        *state = errno == EWOULDBLOCK ? LOCK_TAKEN : LOCK_UNKNOWN;
    close(descriptor);
    return RNCL_OK;
}

/* ---- the files ---- */

static rncl_status read_config(rncl_followed_run *run)
{
    char path[RNCL_TEXT_LENGTH];
    rncl_options *options = malloc(sizeof *options);
    if (!options)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "options of %s", run->folder);
    rncl_options_init(options);
    rncl_status st = path_of(run, RNCL_RUN_CONFIG, path);
    if (!st)
        st = rncl_options_read(options, path, RNCL_FOR_TRAIN);
    rncl_run_state state;
    rncl_run_data data;
    if (!st)
        st = path_of(run, RNCL_RUN_CHECKPOINT, path);
    const bool saved = !st && rncl_file_may_exist(path);
    if (saved)
        st = rncl_checkpoint_peek(path, &state, &data);
    if (saved && !st) {
        run->saved_step = state.step;
        run->pictures = data.training_count > 0 ? (double)data.training_count : NAN;
    }
    run->batch_size = options->batch_size;
    const double steps = ceil(options->epochs * run->pictures / MAX(options->batch_size, 1));
    run->total = options->steps ? options->steps : isfinite(steps) ? (int64_t)steps : 0;
    free(options);
    return st;
}

static rncl_status read_columns(const rncl_followed_run *run, const char *name, const char *const *columns,
                                size_t count, rncl_columns *out)
{
    char path[RNCL_TEXT_LENGTH];
    rncl_columns_fini(out);
    RNCL_TRY(path_of(run, name, path));
    return rncl_columns_read(path, columns, count, out);
}

static rncl_status read_files(rncl_followed_run *run)
{
    RNCL_TRY(read_config(run));
    RNCL_TRY(read_columns(run, "metrics.csv", metric_names, COUNT(metric_names), &run->metrics));
    RNCL_TRY(read_columns(run, "steps.csv", step_names, COUNT(step_names), &run->steps));
    double *error[] = {run->metrics.values[RNCL_FOLLOWED_TRAIN_ERROR],
                       run->metrics.values[RNCL_FOLLOWED_VAL_ERROR]};
    for (size_t i = 0; i < COUNT(error); i++)
        for (size_t k = 0; k < run->metrics.rows; k++)
            error[i][k] = 100 - error[i][k];
    rncl_smooth(run->steps.values[RNCL_FOLLOWED_STEPS_LOSS], run->steps.rows, 30); /* text is coarse */
    return RNCL_OK;
}

/* ---- speed ---- */

static int64_t steps_done(const rncl_followed_run *run)
{
    const rncl_columns *steps = &run->steps;
    return steps->rows ? (int64_t)steps->values[RNCL_FOLLOWED_STEPS_STEP][steps->rows - 1] : 0;
}

static void add_mark(rncl_followed_run *run, int64_t step)
{
    const uint64_t now = rncl_time_ns();
    size_t count = run->mark_count;
    if (count && step < run->marks[count - 1].step)
        count = 0; /* the run went back */
    if (count && step == run->marks[count - 1].step)
        return;
    const bool old = count > 1 && now - run->marks[1].time_ns > speed_window_ns;
    if (count == RNCL_FOLLOWED_MARKS || old)
        memmove(run->marks, run->marks + 1, --count * sizeof run->marks[0]);
    run->marks[count].step = step;
    run->marks[count].time_ns = now;
    run->mark_count = count + 1;
}

/* What was seen, else what the last evaluation says. */
static double images_per_second(const rncl_followed_run *run)
{
    const rncl_columns *metrics = &run->metrics;
    const size_t count = run->mark_count;
    if (count > 1 && !rncl_followed_run_is_over(run)) {
        const int64_t steps = run->marks[count - 1].step - run->marks[0].step;
        const uint64_t time_ns = run->marks[count - 1].time_ns - run->marks[0].time_ns;
        return (double)(steps * run->batch_size) / (1e-9 * (double)MAX(time_ns, 1));
    }
    return metrics->rows ? metrics->values[RNCL_FOLLOWED_SPEED][metrics->rows - 1] : 0;
}

/* ---- the whole ---- */

/* A run ends with an evaluation. */
static bool has_finished(const rncl_followed_run *run)
{
    const rncl_columns *metrics = &run->metrics;
    const double evaluated = metrics->rows ? metrics->values[RNCL_FOLLOWED_STEP][metrics->rows - 1] : 0;
    return run->total && evaluated >= (double)run->total;
}

/* Where nothing can be locked, files that have just been written tell it. */
static bool is_at_work(const rncl_followed_run *run, lock_state lock, time_t newest)
{
    const bool recent = time(NULL) - newest < SILENCE_SECONDS;
    return lock == LOCK_TAKEN || (lock == LOCK_UNKNOWN && recent && !has_finished(run));
}

static rncl_run_phase phase_of(const rncl_followed_run *run, bool at_work)
{
    if (at_work)
        return run->steps.rows ? RNCL_RUN_TRAINING : RNCL_RUN_PREPARING;
    return has_finished(run) ? RNCL_RUN_FINISHED : RNCL_RUN_ENDED;
}

static void describe(rncl_followed_run *run)
{
    const int64_t step = steps_done(run);
    const double speed = images_per_second(run), left = (double)((run->total - step) * run->batch_size);
    const bool knows_left = speed > 0 && run->total && !rncl_followed_run_is_over(run);
    const double epochs = 1 / run->pictures * run->batch_size;
    run->progress = (rncl_progress){
        .step = step,
        .steps = run->total,
        .epoch = epochs * (double)step,
        .epochs = run->total ? epochs * (double)run->total : NAN,
        .loss = run->steps.rows ? run->steps.values[RNCL_FOLLOWED_STEPS_LOSS][run->steps.rows - 1] : NAN,
        .top1 = NAN,
        .images_per_second = isfinite(speed) ? speed : 0,
        .seconds_left = knows_left ? left / speed : NAN,
        .waiting = NAN,
    };
}

/* A folder that a process has just made for a run has no files yet. */
static rncl_status read_run(rncl_followed_run *run, bool at_work)
{
    char path[RNCL_TEXT_LENGTH];
    RNCL_TRY(path_of(run, "steps.csv", path));
    if (rncl_file_may_exist(path))
        return read_files(run);
    return at_work ? RNCL_OK
                   : RNCL_FAIL(RNCL_ERR_DATA, "%s: no run; a run folder is what `rncl train --out` makes",
                               run->folder);
}

rncl_status rncl_followed_run_look(rncl_followed_run *run, bool *changed)
{
    uint64_t digest;
    time_t newest;
    const rncl_run_phase before = run->phase;
    *changed = false;
    if (!rncl_directory_may_exist(run->folder))
        return RNCL_FAIL(RNCL_ERR_DATA, "%s: %s", run->folder,
                         run->seen ? "the run has been deleted"
                                   : "no such folder; a run folder is what `rncl train --out` makes");
    RNCL_TRY(digest_files(run, &digest, &newest));
    const bool same = digest == run->seen;
    if (same && rncl_followed_run_is_over(run))
        return RNCL_OK;
    lock_state lock = LOCK_TAKEN; /* by who has changed it since the last look */
    if (!run->seen || same)
        RNCL_TRY(look_at_lock(run->folder, &lock));
    if (!same)
        RNCL_TRY(read_run(run, is_at_work(run, lock, newest)));
    run->seen = digest;
    run->phase = phase_of(run, is_at_work(run, lock, newest));
    if (run->steps.rows)
        add_mark(run, steps_done(run));
    describe(run);
    *changed = !same || run->phase != before;
    return RNCL_OK;
}

size_t rncl_followed_run_best(const rncl_followed_run *run)
{
    const double *errors = run->metrics.values[RNCL_FOLLOWED_VAL_ERROR];
    size_t best = run->metrics.rows;
    for (size_t i = 0; i < run->metrics.rows; i++)
        if (isfinite(errors[i]) && (best == run->metrics.rows || errors[i] < errors[best]))
            best = i;
    return best;
}
