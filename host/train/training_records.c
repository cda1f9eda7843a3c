/* What a training writes down as it goes on: tables, and events for TensorBoard. */
#include "training.h"

rncl_status rncl_training_open_records(rncl_training *t)
{
    rncl_training_close_records(t);
    RNCL_TRY(rncl_metrics_open(t->options->out, t->state.step, &t->context->log, &t->metrics));
    return t->options->tensorboard ? rncl_event_log_open(t, &t->events) : RNCL_OK;
}

void rncl_training_close_records(rncl_training *t)
{
    rncl_metrics_close(&t->metrics);
    rncl_event_log_close(t->events);
    t->events = NULL;
}
