/* Device, progress and signals of one training. */
#include "train_once.h"

#include <signal.h>

#include "command.h"
#include "lr_find_command.h"
#include "paths.h"
#include "rank_device.h"
#include "signals.h"
#include "trainer.h"

static volatile sig_atomic_t stop_wanted;

typedef struct watcher {
    rncl_console *console;
    rncl_trained_once *out;
} watcher;

static void on_progress(void *user, const rncl_progress *progress)
{
    const watcher *w = user;
    w->out->first_step_seconds = progress->first_step_seconds;
    w->out->evaluated |= progress->evaluated;
    if (!w->out->first_step)
        w->out->first_step = progress->step;
    rncl_meter_show(&w->console->meter, progress);
}

rncl_status rncl_train_once_catch(void)
{
    return rncl_signals_catch(&stop_wanted);
}

static rncl_status open_device(rncl_console *console, const rncl_options *options, rncl_ranks *ranks,
                               rncl_context **context)
{
    RNCL_TRY(rncl_ranks_agree(ranks, rncl_console_open_device(console, options, context)));
    return rncl_rank_devices_tell(ranks, *context);
}

static rncl_status run(rncl_console *console, rncl_options *options, rncl_ranks *ranks, rncl_context *context,
                       rncl_trained_once *out)
{
    watcher w = {.console = console, .out = out};
    const rncl_train_listener listener = {
        .progress = rncl_ranks_first(ranks) ? on_progress : NULL, .user = &w, .stop = &stop_wanted};
    rncl_command_tunes(options);
    return options->lr_find ? rncl_lr_find_command(console, context, options, &listener)
                            : rncl_train(context, options, &listener, ranks, &out->result);
}

rncl_status rncl_train_once(rncl_options *options, rncl_ranks *ranks, rncl_trained_once *out)
{
    *out = (rncl_trained_once){0};
    RNCL_TRY(rncl_ranks_agree(ranks, rncl_paths_complete_init(options)));
    rncl_console console;
    rncl_console_init(&console, options);
    rncl_console_take_rank(&console, ranks);
    rncl_context *context = NULL;
    rncl_status st = open_device(&console, options, ranks, &context);
    if (!st)
        st = run(&console, options, ranks, context, out);
    rncl_meter_clear(&console.meter);
    rncl_context_destroy(context);
    return st;
}
