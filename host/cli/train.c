/* rncl train */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "console.h"
#include "mpi_ranks.h"
#include "number.h"
#include "train_once.h"

/* A member for what an evaluation has found; null where none has taken place. */
static json_t *evaluated_number(double value, bool evaluated)
{
    return evaluated ? rncl_json_number(value) : json_null();
}

static rncl_status print_json(const rncl_trained_once *w, bool interrupted)
{
    const rncl_train_result *r = &w->result;
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

/* On a terminal a value that does not fit behind its label goes below it. */
static void __attribute__((format(printf, 2, 3))) print_field(const char *label, const char *format, ...)
{
    enum { LABEL_WIDTH = 20 };
    char value[RNCL_TEXT_LENGTH];
    va_list arguments;
    va_start(arguments, format);
    rncl_number_vformat(value, sizeof value, format, arguments);
    va_end(arguments);
    if (isatty(STDOUT_FILENO) && LABEL_WIDTH + strlen(value) > rncl_stream_width(stdout))
        printf("%s\n  %s\n", label, value);
    else
        printf("%-*s%s\n", LABEL_WIDTH, label, value);
}

/* Whether the steps behind the first, in which drivers compile, took long enough for a speed to mean
 * something. */
static bool knows_speed(const rncl_trained_once *w, const rncl_options *options)
{
    const double images = (double)(w->result.steps - w->first_step) * options->batch_size;
    return images > 0 && images >= w->result.images_per_second * RNCL_METER_LEAST_SECONDS;
}

static void print_summary(const rncl_trained_once *w, const rncl_options *options)
{
    const rncl_train_result *result = &w->result;
    setvbuf(stdout, NULL, _IOFBF, BUFSIZ); /* on terminals too: one write, whose error is known */
    print_field("run folder", "%s", result->run);
    print_field("validation top-1", "%.2f %% (best %.2f %%)", result->val_top1, result->best_top1);
    print_field("steps", "%" PRId64, result->steps);
    if (knows_speed(w, options))
        print_field("training", "%.1f s, %.1f images/s", result->seconds, result->images_per_second);
    else
        print_field("training", "%.1f s", result->seconds);
    print_field("waiting for data", "%.2f %% of the time", 100 * result->waiting);
    print_field("first step done", "%.1f s after the start", w->first_step_seconds);
    send_summary();
}

static rncl_status train(rncl_options *options, rncl_ranks *ranks)
{
    rncl_trained_once trained;
    if (options->lr_find && ranks)
        return rncl_ranks_agree(
            ranks, RNCL_FAIL(RNCL_ERR_USAGE, "--lr-find is for one device: start it without mpirun"));
    const rncl_status st = rncl_train_once(options, ranks, &trained);
    rncl_status printed = RNCL_OK;
    if (options->lr_find || !rncl_ranks_first(ranks))
        return st;
    if (options->json && (!st || st == RNCL_ERR_INTERRUPTED))
        printed = print_json(&trained, st == RNCL_ERR_INTERRUPTED);
    else if (!st)
        print_summary(&trained, options);
    return st ? st : printed;
}

rncl_status rncl_train_run(rncl_options *options)
{
    rncl_ranks *ranks;
    RNCL_TRY(rncl_train_once_catch());
    RNCL_TRY(rncl_mpi_open(&ranks));
    const rncl_status st = train(options, ranks);
    rncl_mpi_close(ranks, st);
    return st;
}
