/* rncl train */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>

#include "command.h"
#include "console.h"
#include "mpi_ranks.h"
#include "paths.h"
#include "rank_device.h"
#include "signals.h"
#include "trainer.h"

static volatile sig_atomic_t stop_wanted;

/* What the run leaves behind besides its result. */
typedef struct watcher {
    rncl_console *console;
    double first_step_seconds;
    bool evaluated; /* at least once */
} watcher;

static void on_progress(void *user, const rncl_progress *progress)
{
    watcher *w = user;
    w->first_step_seconds = progress->first_step_seconds;
    w->evaluated |= progress->evaluated;
    rncl_meter_show(&w->console->meter, progress);
}

/* A member for what an evaluation has found; null where none has taken place. */
static json_t *evaluated_number(double value, bool evaluated)
{
    return evaluated ? rncl_json_number(value) : json_null();
}

static rncl_status print_json(const rncl_train_result *r, const watcher *w, bool interrupted)
{
    return rncl_json_print(json_pack(
        "{s:o, s:b, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "run", rncl_json_text(r->run),
        "interrupted", interrupted, "steps", (json_int_t)r->steps, "seconds", rncl_json_number(r->seconds),
        "images_per_second", rncl_json_number(r->images_per_second), "waiting", rncl_json_number(r->waiting),
        "first_step_seconds", rncl_json_number(w->first_step_seconds), "val_loss",
        evaluated_number(r->val_loss, w->evaluated), "val_top1", evaluated_number(r->val_top1, w->evaluated),
        "val_top5", evaluated_number(r->val_top5, w->evaluated), "best_top1",
        evaluated_number(r->best_top1, r->best_top1 >= 0)));
}

/* Sends what was printed. It is also in the run's files, so that a missing reader is no failure: standard
 * output is closed, or its reader or terminal has gone. Other errors are left to main. */
static void send_summary(void)
{
    if (fflush(stdout) == 0 || (errno != EBADF && errno != EPIPE && errno != EIO))
        return;
    __fpurge(stdout);
    clearerr(stdout);
}

static void print_summary(const rncl_train_result *result, double first_step_seconds)
{
    setvbuf(stdout, NULL, _IOFBF, BUFSIZ); /* on terminals too: one write, whose error is known */
    printf("run folder          %s\n", result->run);
    printf("validation top-1    %.2f %% (best %.2f %%)\n", result->val_top1, result->best_top1);
    printf("steps               %" PRId64 "\n", result->steps);
    printf("training            %.1f s", result->seconds);
    if (result->images_per_second > 0)
        printf(", %.1f images/s", result->images_per_second);
    putchar('\n');
    printf("waiting for data    %.2f %% of the time\n", 100 * result->waiting);
    printf("first step done     %.1f s after the start\n", first_step_seconds);
    send_summary();
}

static rncl_status open_device(rncl_console *console, const rncl_options *options, rncl_ranks *ranks,
                               rncl_context **context)
{
    RNCL_TRY(rncl_ranks_agree(ranks, rncl_console_open_device(console, options, context)));
    return rncl_rank_devices_tell(ranks, *context);
}

static rncl_status train(rncl_options *options, rncl_ranks *ranks)
{
    rncl_console console;
    rncl_console_init(&console, options);
    rncl_console_take_rank(&console, ranks);
    rncl_context *context = NULL;
    rncl_status st = open_device(&console, options, ranks, &context);

    watcher w = {.console = &console};
    rncl_train_listener listener = {.user = &w, .stop = &stop_wanted};
    if (rncl_ranks_first(ranks))
        listener.progress = on_progress;
    rncl_train_result result = {0};
    rncl_command_tunes(options);
    if (!st)
        st = rncl_train(context, options, &listener, ranks, &result);
    rncl_meter_clear(&console.meter);
    rncl_status printed = RNCL_OK;
    if (options->json && rncl_ranks_first(ranks) && (!st || st == RNCL_ERR_INTERRUPTED))
        printed = print_json(&result, &w, st == RNCL_ERR_INTERRUPTED);
    else if (!st && rncl_ranks_first(ranks))
        print_summary(&result, w.first_step_seconds);
    rncl_context_destroy(context);
    return st ? st : printed;
}

rncl_status rncl_train_run(rncl_options *options)
{
    rncl_ranks *ranks;
    RNCL_TRY(rncl_paths_complete_init(options));
    RNCL_TRY(rncl_signals_catch(&stop_wanted));
    RNCL_TRY(rncl_mpi_open(&ranks));
    const rncl_status st = train(options, ranks);
    rncl_mpi_close(ranks, st);
    return st;
}
