/* Tags are named after what metrics.csv and steps.csv call the same values. */
#include "event_log.h"

#ifdef RNCL_WITH_EVENTS

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event_file.h"
#include "inference.h"
#include "training_shares.h"
#include "util.h"
#include "verdict.h"

enum { SAMPLES = 8 };

struct rncl_event_log {
    rncl_event_file *file;
};

rncl_status rncl_event_log_check(void)
{
    return RNCL_OK;
}

rncl_status rncl_event_log_open(const rncl_training *training, rncl_event_log **out)
{
    rncl_event_log *log = *out = calloc(1, sizeof *log);
    if (!log)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "a log of events");
    const rncl_status st =
        rncl_event_file_create(training->options->out, training->state.step + 1, &log->file);
    if (st) {
        free(log);
        *out = NULL;
    }
    return st;
}

void rncl_event_log_close(rncl_event_log *log)
{
    if (log)
        rncl_event_file_destroy(log->file);
    free(log);
}

rncl_status rncl_event_log_step(rncl_event_log *log, int64_t step, double loss, float lr)
{
    if (!log)
        return RNCL_OK;
    RNCL_TRY(rncl_event_file_number(log->file, step, "step/loss", loss));
    RNCL_TRY(rncl_event_file_number(log->file, step, "step/lr", (double)lr));
    return rncl_event_file_flush(log->file);
}

/* ---- evaluations ---- */

static rncl_status log_numbers(rncl_event_log *log, const rncl_metrics_row *row)
{
    const struct {
        const char *tag;
        double value;
    } numbers[] = {
        {"train/loss", row->train_loss},    {"train/top1", row->train_top1},
        {"validation/loss", row->val_loss}, {"validation/top1", row->val_top1},
        {"validation/top5", row->val_top5}, {"run/images_per_second", row->images_per_second},
        {"run/epoch", row->epoch},
    };
    for (size_t i = 0; i < COUNT(numbers); i++)
        RNCL_TRY(rncl_event_file_number(log->file, row->step, numbers[i].tag, numbers[i].value));
    return RNCL_OK;
}

static rncl_status log_filters(rncl_event_log *log, const rncl_training *t)
{
    const rncl_param *first = &t->graph->params[0];
    if (first->kind != RNCL_PARAM_CONV)
        return RNCL_OK;
    rncl_raster grid;
    RNCL_TRY(rncl_raster_of_filters(t->vectors.params + first->offset, first->dims[2], first->dims[1],
                                    first->dims[0], &grid));
    const rncl_status st = rncl_event_file_picture(log->file, t->state.step, "filters/first_layer", &grid);
    rncl_raster_fini(&grid);
    return st;
}

static rncl_status log_weights(rncl_event_log *log, rncl_training *t)
{
    const rncl_network_vectors params = {.params = t->vectors.params};
    RNCL_TRY(rncl_network_read(t->network, &params));
    for (size_t i = 0; i < t->graph->param_count; i++) {
        const rncl_param *param = &t->graph->params[i];
        char tag[80];
        snprintf(tag, sizeof tag, "weights/%s", param->name);
        RNCL_TRY(rncl_event_file_histogram(log->file, t->state.step, tag, params.params + param->offset,
                                           param->count));
    }
    return log_filters(log, t);
}

/* ---- samples ---- */

/* The weights that evaluations use: the averages, where there are any. */
static rncl_status exchange_averages(const rncl_training *t)
{
    return t->options->ema > 0 ? rncl_network_exchange_averages(t->network) : RNCL_OK;
}

/* A table in Markdown of what the network says to the pictures of a batch. */
typedef struct samples {
    rncl_event_log *log;
    const rncl_training *training;
    FILE *table;
} samples;

/* Names of classes may have what divides the cells of a table. */
static void write_name(const samples *s, int class)
{
    if (class < s->training->meta.label_count)
        for (const char *c = s->training->meta.labels[class]; *c; c++)
            putc(*c == '|' || *c == '\n' ? ' ' : *c, s->table);
    else
        fprintf(s->table, "%d", class);
}

static rncl_status log_sample(const samples *s, int index, const rncl_batch *batch, const float *logits)
{
    const rncl_network_options *network = &s->training->graph->options;
    const rncl_options *options = s->training->options;
    const rncl_verdict verdict = rncl_verdict_of(logits, network->classes, batch->labels[index]);
    const size_t floats = (size_t)network->image * (size_t)network->image * (size_t)network->channels;
    char tag[32];
    fprintf(s->table, "| %d | ", index);
    write_name(s, verdict.label);
    fputs(" | ", s->table);
    write_name(s, verdict.answer);
    fprintf(s->table, " | %d %% |\n", (int)(100 * verdict.share + 0.5));
    rncl_raster picture;
    RNCL_TRY(rncl_raster_of_input(batch->images + (size_t)index * floats, network->image, network->channels,
                                  options->mean, options->std, &picture));
    snprintf(tag, sizeof tag, "samples/%d", index);
    const rncl_status st = rncl_event_file_picture(s->log->file, s->training->state.step, tag, &picture);
    rncl_raster_fini(&picture);
    return st;
}

static rncl_status log_batch(const samples *s, rncl_loader *loader)
{
    const rncl_batch *batch;
    rncl_batch_result result;
    RNCL_TRY(rncl_loader_next(loader, &batch));
    if (!batch)
        return RNCL_OK;
    RNCL_TRY(rncl_network_evaluate(s->training->network, batch->images, batch->labels));
    RNCL_TRY(rncl_network_collect(s->training->network, &result));
    for (int i = 0; i < MIN(batch->count, SAMPLES); i++)
        RNCL_TRY(
            log_sample(s, i, batch, result.logits + (size_t)i * (size_t)s->training->graph->options.classes));
    return RNCL_OK;
}

static rncl_status log_answers(samples *s)
{
    const rncl_training *t = s->training;
    const rncl_loader_options options =
        rncl_training_loader(t, rncl_inputs_validation(&t->inputs, t->options));
    rncl_loader *loader;
    RNCL_TRY(rncl_loader_create(&options, &loader));
    fputs("| sample | class | answer | share |\n|---|---|---|---|\n", s->table);
    rncl_status st = exchange_averages(s->training);
    if (!st) {
        st = log_batch(s, loader);
        const rncl_status back = exchange_averages(s->training);
        st = st ? st : back;
    }
    rncl_loader_destroy(loader);
    return st;
}

static rncl_status log_samples(rncl_event_log *log, const rncl_training *t)
{
    char *text = NULL;
    size_t size;
    samples s = {.log = log, .training = t, .table = open_memstream(&text, &size)};
    if (!s.table)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "a table of samples");
    rncl_status st = log_answers(&s);
    if (fclose(s.table) != 0 && !st)
        st = RNCL_FAIL(RNCL_ERR_MEMORY, "a table of samples");
    if (!st)
        st = rncl_event_file_text(log->file, t->state.step, "samples/answers", text);
    free(text);
    return st;
}

rncl_status rncl_event_log_evaluation(rncl_event_log *log, rncl_training *training,
                                      const rncl_metrics_row *row)
{
    if (!log)
        return RNCL_OK;
    RNCL_TRY(log_numbers(log, row));
    RNCL_TRY(log_weights(log, training));
    RNCL_TRY(log_samples(log, training));
    return rncl_event_file_flush(log->file);
}

#else

rncl_status rncl_event_log_check(void)
{
    return RNCL_FAIL(RNCL_ERR_USAGE,
                     "--tensorboard: this rncl was built without protobuf-c; on Debian: apt install "
                     "libprotobuf-c-dev protobuf-c-compiler, and build again");
}

rncl_status rncl_event_log_open(const struct rncl_training *training, rncl_event_log **out)
{
    (void)training;
    *out = NULL;
    return rncl_event_log_check();
}

void rncl_event_log_close(rncl_event_log *log)
{
    (void)log;
}

rncl_status rncl_event_log_step(rncl_event_log *log, int64_t step, double loss, float lr)
{
    (void)log, (void)step, (void)loss, (void)lr;
    return RNCL_OK;
}

rncl_status rncl_event_log_evaluation(rncl_event_log *log, struct rncl_training *training,
                                      const struct rncl_metrics_row *row)
{
    (void)log, (void)training, (void)row;
    return RNCL_OK;
}

#endif
